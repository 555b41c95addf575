"""What a heatmap shows and does not show, in plain sentences made from the numbers at hand."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.explain.energy import energy_in_mask
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method

UNLIKELY: Final = 0.2
"""Below this probability a map explains a class that the model itself does not believe in."""


@dataclass(frozen=True)
class LungShare:
    """Share of a map's positive sum inside the lungs, and the share of the seen area that the lungs are (chance)."""

    inside: float
    chance: float


def lung_share(heatmap: NDArray[np.float32], lungs: NDArray[np.bool_], seen: NDArray[np.bool_]) -> LungShare | None:
    """The map in the lungs. heatmap, lungs, seen: (H, W); `seen` is what the model received. None without map or lungs."""
    share = energy_in_mask(np.where(seen, heatmap, np.float32(0)), lungs)
    if np.isnan(share) or not lungs.any():
        return None
    return LungShare(share, float((lungs & seen).sum() / seen.sum()))


def caption(explanation: Explanation, share: LungShare | None) -> list[str]:
    """Plain sentences about one explanation, most important first."""
    method = get_method(explanation.method)
    sentences = []
    if not float(explanation.heatmap.max()) > 0:
        sentences.append(f"No area speaks for {explanation.target}: the map is zero everywhere.")
    probability = explanation.probabilities.get(explanation.target)
    if probability is not None and probability < UNLIKELY:
        sentences.append(
            f"The model gives {explanation.target} only {probability:.0%}; the map shows what little speaks for it and "
            "should not be read as a finding."
        )
    if share is not None:
        sentences.append(
            f"{share.inside:.0%} of the map is inside the lungs, which are {share.chance:.0%} of what the model saw; "
            "a map spread evenly would give that second number."
        )
    return [*sentences, method.shows, method.limits]
