"""Baseline maps, made without any model: a heatmap that scores no better than these means nothing."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


def uniform_in_lungs(pixels: Array, lungs: Mask) -> Array:
    """1 inside the lungs, 0 outside. All baselines take pixels and lungs (H, W) and return (H, W) float32, not negative."""
    return lungs.astype(np.float32)


def centre_gaussian(pixels: Array, lungs: Mask) -> Array:
    """A Gaussian blob in the middle of the image; its standard deviation is a quarter of each side."""
    rows, cols = (np.linspace(-2, 2, length, dtype=np.float32) for length in pixels.shape)
    return np.exp(-(rows[:, None] ** 2 + cols[None] ** 2) / 2).astype(np.float32)


def sobel_edges(pixels: Array, lungs: Mask) -> Array:
    """Strength of the image's edges, which some methods show whatever the model has learned (Adebayo 2018)."""
    soft = cv2.GaussianBlur(pixels, (0, 0), max(pixels.shape) / 200)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down), np.float32)


BASELINE_MAPS: Final[dict[str, Callable[[Array, Mask], Array]]] = {
    "uniform in lungs": uniform_in_lungs,
    "centre Gaussian": centre_gaussian,
    "Sobel edges": sobel_edges,
}
