"""Display of an image: window, level and inversion. Models never see the result."""

import numpy as np
from numpy.typing import NDArray

from covid_model.images.quantiles import quantiles


def displayed(pixels: NDArray[np.float32], low: float = 0.0, high: float = 1.0, invert: bool = False) -> NDArray[np.uint8]:
    """Image pixels (H, W) in [0, 1] -> (H, W) uint8: `low` becomes black, `high` white, linear between; `invert` swaps.

    A window of level L and width W has low = L - W / 2 and high = L + W / 2.

    >>> displayed(np.array([[0.0, 0.5, 1.0]], np.float32), low=0.5).tolist()
    [[0, 0, 255]]
    """
    grey = pixels - low
    grey /= max(high - low, 1e-6)
    np.clip(grey, 0.0, 1.0, out=grey)
    if invert:
        np.subtract(1, grey, out=grey)
    grey *= 255
    return np.rint(grey, out=grey).astype(np.uint8)


def auto_window(pixels: NDArray[np.float32]) -> tuple[float, float]:
    """(low, high) from the 1st to the 99th percentile of image pixels (H, W); (0, 1) where these are equal.

    >>> auto_window(np.zeros((2, 2), np.float32))
    (0.0, 1.0)
    """
    low, high = quantiles(pixels, (0.01, 0.99))
    return (low, high) if high > low else (0.0, 1.0)
