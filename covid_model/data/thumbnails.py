"""Thumbnails of a data set's images, made once and kept on disk within a bound. Uploads are never kept."""

import os
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from covid_model.files import written_whole
from covid_model.images.preprocess import resized
from covid_model.images.read import load_image
from covid_model.settings import thumbnails_folder

SIDE: Final = 176
QUALITY: Final = 82
BOUND: Final = 200_000_000
"""Bytes that all thumbnails may take; the least recently used are removed first."""
LOOK_EVERY: Final = 64
"""Thumbnails between two checks of the bound."""


def thumbnail(image: Path, digest: str, folder: Path | None = None) -> bytes:
    """A square JPEG of SIDE pixels with the image in its middle. digest: of the image file, the thumbnail's name.

    Where the folder cannot be written the thumbnail is made each time. Raises ImageError for an unreadable image.
    """
    folder = folder or thumbnails_folder()
    kept = folder / f"{digest[:32]}.jpg"
    try:
        data = kept.read_bytes()
        os.utime(kept)
        return data
    except OSError:
        data = _made(image)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(kept) as partial:
            partial.write_bytes(data)
        if int(digest[:8], 16) % LOOK_EVERY == 0:
            prune(folder)
    except OSError:
        return data
    return data


def _made(image: Path) -> bytes:
    pixels = load_image(image).pixels
    scale = SIDE / max(pixels.shape)
    size = (max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale)))
    small = resized(pixels, size) if scale < 1 else pixels
    grey = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    grey[top : top + small.shape[0], left : left + small.shape[1]] = np.round(small * 255)
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def prune(folder: Path, bound: int = BOUND) -> None:
    """Remove the least recently used thumbnails until all take at most `bound` bytes."""
    kept = sorted(((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.jpg")), reverse=True)
    total = 0
    for _, size, path in kept:
        total += size
        if total > bound:
            path.unlink(missing_ok=True)
