"""A small labelled data set that is drawn, to try every page and command without a download."""

from typing import Final

LICENCE: Final = "drawn by this program, no patient, free to use"
"""In the manifest, of every image of the demo data set."""
