"""A function over many images: on threads of this process, by processes of this machine, or on a Ray cluster."""
