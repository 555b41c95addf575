"""Checks and scaling that every kind of file shares."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ImageError

MIN_SIDE: Final = 64
MAX_PIXELS: Final = 80_000_000
"""A 35 x 43 cm image at 0.05 mm has 60 million pixels; nothing larger is a chest X-ray."""
MAX_ASPECT: Final = 4.0


def check_size(height: int, width: int) -> None:
    """Raise ImageError for a size no chest X-ray has; called on the header, before anything is decoded."""
    if min(height, width) < MIN_SIDE:
        raise ImageError(f"The picture has {width} x {height} pixels; an image needs at least {MIN_SIDE} on each side.")
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"The picture has {width} x {height} pixels; images up to {MAX_PIXELS // 10**6} million pixels work."
        )
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise ImageError(f"The picture has {width} x {height} pixels, a strip; a chest X-ray is nearly square.")


def stretched(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """(H, W) numbers of any range -> float32 in [0, 1] by their own smallest and largest value.

    Raises ImageError when a value is not finite or all are the same.
    """
    if not np.isfinite(values).all():
        raise ImageError("The picture holds values that are not numbers (NaN or infinite); export it again.")
    low, high = float(values.min()), float(values.max())
    if high <= low:
        raise ImageError("All pixels of the picture have the same value; there is nothing to see on it.")
    return ((values.astype(np.float64) - low) / (high - low)).astype(np.float32)


def checked(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pixels already in [0, 1], made read-only. Raises ImageError when all are the same."""
    if pixels.max() - pixels.min() < 1e-6:
        raise ImageError("All pixels of the picture have the same value; there is nothing to see on it.")
    pixels = np.ascontiguousarray(pixels, np.float32)
    pixels.setflags(write=False)
    return pixels
