"""Baseline inputs: what replaces hidden pixels, and where integrated gradients start."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from covid_model.backends.base import Array


def darkest(image: Array) -> Array:
    """The image's darkest value everywhere, as of air. All take and return a model input (H, W, c) float32."""
    return np.full_like(image, image.min())


def mean(image: Array) -> Array:
    """The image's mean everywhere, a grey."""
    return np.full_like(image, image.mean())


def blurred(image: Array) -> Array:
    """The image without structure smaller than about an eighth of its side."""
    is_grey = bool((image == image[..., :1]).all())  # as X-rays are in three channels, too: blurred once
    soft = cv2.GaussianBlur(image[..., :1] if is_grey else image, (0, 0), max(image.shape[:2]) / 16)
    soft = np.asarray(soft, np.float32).reshape(*image.shape[:2], -1)
    return np.repeat(soft, image.shape[2], axis=2) if is_grey else soft


BASELINE_INPUTS: Final[dict[str, Callable[[Array], Array]]] = {"darkest": darkest, "mean": mean, "blurred": blurred}
"""Name -> function of a model input (H, W, c)."""
