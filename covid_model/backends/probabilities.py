"""Logits to probabilities, without `scipy.special`, whose import takes a tenth of a cold start."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", bound=np.floating)


def sigmoid(logits: NDArray[Real]) -> NDArray[Real]:
    """1 / (1 + exp(-x)) of an array of any shape, in [0, 1] and of the same dtype.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    with np.errstate(over="ignore"):  # exp becomes infinite and the quotient 0, as it should be
        return np.asarray(1 / (1 + np.exp(-logits)), logits.dtype)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """exp(x) over its sum along the last axis, float64; the sums are 1.

    >>> softmax(np.array([[1000.0, 1000.0]])).tolist()
    [[0.5, 0.5]]
    """
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
