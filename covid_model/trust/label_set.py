"""The conformal label set of one image: classes that hold the true one with a promised probability, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from covid_model.evaluation.conformal import ConformalSets
from covid_model.models.predict import Prediction
from covid_model.trust.likeness import Likeness, unlike


@dataclass(frozen=True)
class LabelSet:
    """names: the classes, the likeliest first; none where no class is likely enough. level: the promised coverage.

    coverage: on test images, an interval as a dict. unlike: why the promise does not hold for this image; "" where it does.
    """

    names: tuple[str, ...]
    level: float
    coverage: Mapping[str, Any]
    unlike: str

    @property
    def sentence(self) -> str:
        """The set, or why there is none, in plain words.

        >>> kept = {"value": 0.95, "low": 0.92, "high": 0.97}
        >>> LabelSet(("COVID-19", "Pneumonia"), 0.9, kept, "").sentence
        '90% set: COVID-19 or Pneumonia. Such sets held for 95% (92% to 97%) of test images.'
        """
        if self.unlike:
            return f"No {self.level:.0%} set: {self.unlike}."
        found, names = self.coverage, " or ".join(self.names) or "no class is likely enough"
        held = f"{found['value']:.0%} ({found['low']:.0%} to {found['high']:.0%})"
        return f"{self.level:.0%} set: {names}. Such sets held for {held} of test images."


def label_set(
    conformal: Mapping[str, Any], prediction: Prediction, found: Likeness, typical: float | None
) -> LabelSet | None:
    """The set for a prediction. conformal: that part of the model's evaluation report; empty without one.

    typical: as in `likeness.unlike`. None without a report, and for models whose classes do not exclude one another.
    """
    if not conformal or prediction.head != "multiclass":
        return None
    marginal, level = conformal["marginal"], conformal["level"]
    names = list(prediction.probabilities)
    sets = ConformalSets("marginal", level, tuple(marginal["limits"][name] for name in names))
    inside = sets.contain(np.array([list(prediction.probabilities.values())]))[0]
    chosen = sorted(
        (name for name, is_in in zip(names, inside, strict=True) if is_in),
        key=prediction.probabilities.__getitem__,
        reverse=True,
    )
    why = unlike(found, typical, marginal["by_source"], level, "had their class in the set")
    return LabelSet(tuple(chosen), level, marginal["coverage"], why)
