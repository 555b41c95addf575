"""From logits to calibrated probabilities."""

import numpy as np
from numpy.typing import NDArray


def calibrated(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Softmax of (b, n) logits / temperature; a single unit becomes (negative, positive). Rows sum to 1."""
    scaled = np.asarray(logits, np.float64) / temperature
    if scaled.shape[1] == 1:
        scaled = np.concatenate([np.zeros_like(scaled), scaled], axis=1)
    shifted = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
