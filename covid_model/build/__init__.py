"""Code that is needed only to build the shipped files; nothing at run time imports it."""
