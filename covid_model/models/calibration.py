"""From logits to calibrated probabilities."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.probabilities import sigmoid, softmax

Head = Literal["multiclass", "multilabel"]
"""multiclass: the classes exclude one another. multilabel: each class has its own probability, by a sigmoid."""

HEADS: Final[tuple[Head, ...]] = ("multiclass", "multilabel")
CALLED: Final = 0.5
"""The probability from which a class of a multilabel model counts as found."""

NOT_EXCLUSIVE: Final = "The model's classes do not exclude each other"
CARD_POINT: Final = "specificity_0.95"
"""The operating point at which scores are reported, and whose threshold is a class's mark: 95% specificity on validation."""
OWN_PROBABILITIES: Final = (
    f"{NOT_EXCLUSIVE}: each has its own probability and counts as found from {CALLED:.0%} on; they do not sum to 100%."
)
"""Shown beside the probabilities of a multilabel model."""


def calibrated(logits: NDArray[np.floating], temperature: float, head: Head = "multiclass") -> NDArray[np.float64]:
    """Probabilities (b, classes) float64 of (b, units) logits / temperature (Guo 2017, arXiv 1706.04599, eq. 9).

    multiclass: their softmax, whose rows sum to 1; a single unit becomes (negative, positive) by its sigmoid.
    multilabel: the sigmoid of each.

    >>> calibrated(np.array([[0.0]]), 1.0).tolist()
    [[0.5, 0.5]]
    >>> calibrated(np.array([[0.0, 0.0, 0.0]]), 1.0, "multilabel").tolist()
    [[0.5, 0.5, 0.5]]
    """
    scaled = np.asarray(logits, np.float64) / temperature
    if head == "multilabel":
        return sigmoid(scaled)
    if scaled.shape[1] == 1:
        scaled = np.concatenate([np.zeros_like(scaled), scaled], axis=1)
    return softmax(scaled)
