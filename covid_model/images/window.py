"""How an image is shown: window and level, inversion. Never used on what a model sees."""

import numpy as np
from numpy.typing import NDArray


def displayed(pixels: NDArray[np.float32], low: float = 0.0, high: float = 1.0, invert: bool = False) -> NDArray[np.uint8]:
    """Image pixels (H, W) in [0, 1] -> (H, W) uint8: `low` becomes black, `high` white, linear between; `invert` swaps.

    A level of L and a width of W, as radiologists say, is low = L - W / 2 and high = L + W / 2.
    """
    grey = np.clip((pixels - low) / max(high - low, 1e-6), 0.0, 1.0)
    if invert:
        grey = 1 - grey
    return np.round(grey * 255).astype(np.uint8)


def auto_window(pixels: NDArray[np.float32]) -> tuple[float, float]:
    """(low, high) that use the whole grey scale for all but the 1 % darkest and brightest pixels."""
    low, high = np.percentile(pixels, (1.0, 99.0))
    return (float(low), float(high)) if high > low else (0.0, 1.0)
