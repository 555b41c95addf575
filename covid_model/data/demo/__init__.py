"""A small labelled data set that is drawn, to try every page and command without a download."""

from pathlib import Path
from typing import Final

TRUTH: Final = "truth.json"
"""Beside the manifest: what was planted, and the truth of every image."""
LICENCE: Final = "drawn by this program, no patient, free to use"
"""In the manifest, of every image of the demo data set."""


def is_demo(manifest: Path) -> bool:
    """Is it the manifest of a demo data set?"""
    return (manifest.parent / TRUTH).is_file()
