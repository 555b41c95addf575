"""Limits, checks and scaling for every kind of file."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ImageError
from covid_model.images.xray_image import XrayImage

MIN_SIDE: Final = 64
MAX_PIXELS: Final = 25_000_000
"""A 43 x 43 cm image at 0.1 mm has 18.5 million pixels, a digitised one of the Montgomery set 19.7 million."""
MAX_ASPECT: Final = 4.0
BAND: Final = 2**20
"""Pixels that are converted at a time, so that large images need little memory beside their own."""
EMPTY: Final = "The file is empty; copy or export it again."
FLAT: Final = "All pixels of the image have the same value; export the image again."


def check_size(height: int, width: int) -> None:
    """Raise ImageError for a size that no chest X-ray has; called on the header, before anything is decoded."""
    if min(height, width) < MIN_SIDE:
        raise ImageError(f"The image has {width} x {height} pixels; it needs at least {MIN_SIDE} on each side.")
    if height * width > MAX_PIXELS:
        raise ImageError(f"The image has {width} x {height} pixels; images up to {MAX_PIXELS // 10**6} million pixels work.")
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise ImageError(f"The image has {width} x {height} pixels, a strip; a chest X-ray is nearly square.")


def bands(height: int, width: int) -> Iterator[slice]:
    """Slices of rows that cover an image, each of about BAND pixels.

    >>> list(bands(2000, 1024))
    [slice(0, 1024, None), slice(1024, 2000, None)]
    """
    rows = max(1, BAND // width)
    yield from (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def stretched(values: NDArray) -> NDArray[np.float32]:
    """(H, W) numbers of any range -> (H, W) float32 from 0 (smallest value) to 1 (largest value).

    Raises ImageError when a value is not finite or all are the same.

    >>> stretched(np.array([[-10, 0], [5, 10]])).tolist()
    [[0.0, 0.5], [0.75, 1.0]]
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError("The image holds values that are not numbers (NaN or infinite); export it again.")
    if high <= low:
        raise ImageError(FLAT)
    pixels = np.empty(values.shape, np.float32)
    for rows in bands(len(values), values.shape[1]):
        # Halves, since the difference of two large float64 may be infinite.
        pixels[rows] = (values[rows].astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
    return pixels


def checked(image: XrayImage) -> XrayImage:
    """The image with read-only pixels; every reader returns its image through this function.

    Raises ImageError unless the pixels are (H, W), finite, in [0, 1], of a chest X-ray's size, and not all equal.
    """
    pixels = np.ascontiguousarray(image.pixels, np.float32)
    if pixels.ndim != 2:
        raise ImageError("The image has no rows and columns; give a single two-dimensional one.")
    check_size(*pixels.shape)
    low, high = float(pixels.min()), float(pixels.max())
    if not 0 <= low <= high <= 1:  # false for NaN, too
        raise ImageError("The image holds values that are not numbers (NaN or infinite); export it again.")
    if high - low < 1e-6:
        raise ImageError(FLAT)
    pixels.setflags(write=False)
    return replace(image, pixels=pixels)
