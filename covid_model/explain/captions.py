"""Captions: what a heatmap shows and does not show, in plain sentences with its numbers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.explain.energy import energy_in_mask
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method
from covid_model.models.calibration import NOT_EXCLUSIVE, Head

UNLIKELY: Final = 0.2
"""Below this probability a caption warns that the model itself finds the class unlikely."""


@dataclass(frozen=True)
class LungShare:
    """inside: share of a map's positive sum inside the lungs. chance: the lungs' share of the area that the model saw."""

    inside: float
    chance: float


def lung_share(heatmap: NDArray[np.float32], lungs: NDArray[np.bool_], seen: NDArray[np.bool_]) -> LungShare | None:
    """The share of a map inside the lungs; None without lungs or where no value of the map is positive.

    heatmap: (H, W) float32. lungs: (H, W) bool. seen: (H, W) bool, the area that the model received.

    >>> lungs = np.array([[True, False], [False, False]])
    >>> lung_share(np.array([[3, 1], [0, 0]], np.float32), lungs, np.ones((2, 2), bool))
    LungShare(inside=0.75, chance=0.25)
    """
    share = energy_in_mask(heatmap, lungs, seen)
    if np.isnan(share) or not lungs.any():
        return None
    return LungShare(share, float(np.count_nonzero(lungs & seen) / np.count_nonzero(seen)))


def low_probability(name: str, value: float, head: Head) -> str:
    """The start of a sentence about a class that the model finds unlikely; of a multilabel model it says what that means.

    >>> low_probability("Effusion", 0.1, "multiclass")
    'The model gives Effusion only 10%'
    """
    if head == "multilabel":
        return f"The model gives {name} a probability of its own of only {value:.0%}, so it does not find it"
    return f"The model gives {name} only {value:.0%}"


def caption(explanation: Explanation, share: LungShare | None, head: Head = "multiclass") -> list[str]:
    """Plain sentences about one explanation, most important first. head: as on the model's card."""
    method = get_method(explanation.method)
    sentences = []
    if not float(explanation.heatmap.max()) > 0:
        sentences.append(f"No part of the image raised the score of {explanation.target}: no value of the map is positive.")
    probability = explanation.probabilities.get(explanation.target)
    if probability is not None and probability < UNLIKELY:
        sentences.append(
            f"{low_probability(explanation.target, probability, head)}; do not read the map as a finding, it shows only "
            "what little raised that score."
        )
    if share is not None:
        sentences.append(
            f"{share.inside:.0%} of the map is inside the lungs; of a map spread evenly over what the model saw it would be "
            f"{share.chance:.0%}."
        )
    if head == "multilabel" and not method.class_blind:
        sentences.append(f"{NOT_EXCLUSIVE}: the map says nothing about the other classes.")
    return [*sentences, method.shows, method.limits]
