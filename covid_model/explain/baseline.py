"""What hidden pixels are replaced by."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from covid_model.explain.compiled import Array


def darkest(film: Array) -> Array:
    """The film's darkest value everywhere: air."""
    return np.full_like(film, film.min())


def mean(film: Array) -> Array:
    """The film's mean everywhere: grey."""
    return np.full_like(film, film.mean())


def blurred(film: Array) -> Array:
    """The film without anything smaller than an eighth of its side: tone without structure."""
    soft = cv2.GaussianBlur(film, (0, 0), max(film.shape[:2]) / 16)
    return np.asarray(soft, np.float32).reshape(film.shape)


BASELINES: Final[dict[str, Callable[[Array], Array]]] = {"darkest": darkest, "mean": mean, "blurred": blurred}
"""Name -> function of a model input (H, W, c)."""
