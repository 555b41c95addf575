"""From logits to calibrated probabilities."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax


def calibrated(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Softmax of (b, n) logits / temperature; a single unit becomes (negative, positive). Rows sum to 1."""
    scaled = np.asarray(logits, np.float64) / temperature
    if scaled.shape[1] == 1:
        scaled = np.concatenate([np.zeros_like(scaled), scaled], axis=1)
    return np.asarray(softmax(scaled, axis=1))
