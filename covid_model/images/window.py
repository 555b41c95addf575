"""How an image is shown: window and level, inversion. Never used on what a model sees."""

import numpy as np
from numpy.typing import NDArray

from covid_model.images.quantiles import quantiles


def displayed(pixels: NDArray[np.float32], low: float = 0.0, high: float = 1.0, invert: bool = False) -> NDArray[np.uint8]:
    """Image pixels (H, W) in [0, 1] -> (H, W) uint8: `low` becomes black, `high` white, linear between; `invert` swaps.

    A level of L and a width of W, as radiologists say, is low = L - W / 2 and high = L + W / 2.
    """
    grey = pixels - low
    grey /= max(high - low, 1e-6)
    np.clip(grey, 0.0, 1.0, out=grey)
    if invert:
        np.subtract(1, grey, out=grey)
    grey *= 255
    return np.rint(grey, out=grey).astype(np.uint8)


def auto_window(pixels: NDArray[np.float32]) -> tuple[float, float]:
    """(low, high) that use the whole grey scale for all but the 1 % darkest and brightest pixels."""
    low, high = quantiles(pixels, (0.01, 0.99))
    return (low, high) if high > low else (0.0, 1.0)
