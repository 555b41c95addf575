"""A threshold restated as people: of 1,000 with a given prevalence, how many are found, missed and alarmed for nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from covid_model.evaluation.scores import at_prevalence

PEOPLE: Final = 1000


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None

    def text(self, style: str = ",.0f") -> str:
        """For readers.

        >>> Estimate(12.3, 8.0, 17.9).text()
        '12 (8 to 18)'
        >>> Estimate(None, None, None).text()
        'not defined'
        """
        if self.value is None:
            return "not defined"
        ends = "" if self.low is None or self.high is None else f" ({self.low:{style}} to {self.high:{style}})"
        return f"{self.value:{style}}{ends}"


@dataclass(frozen=True)
class People:
    """Of PEOPLE: sick is given; the others are estimates. ppv, npv: shares."""

    sick: float
    found: Estimate
    missed: Estimate
    alarms: Estimate
    cleared: Estimate
    ppv: Estimate
    npv: Estimate


def people(curves: Mapping[str, Any], place: int, prevalence: float) -> People:
    """What a class's curves of a report say at the threshold at `place`, for a prevalence between 0 and 1.

    Each is a monotone function of one curve, so that the ends of its interval are those of the curve.
    """
    sick, well = PEOPLE * prevalence, PEOPLE * (1 - prevalence)
    sensitivity, specificity = (_at(curves[name], place) for name in ("sensitivity", "specificity"))
    predictive = {
        name: _at(curves[f"{name}_even"], place, prevalence if name == "ppv" else 1 - prevalence) for name in ("ppv", "npv")
    }
    return People(
        sick=sick,
        found=_scaled(sensitivity, sick),
        missed=_rest(sensitivity, sick),
        alarms=_rest(specificity, well),
        cleared=_scaled(specificity, well),
        **predictive,
    )


def _at(band: Mapping[str, list[float | None]], place: int, prevalence: float | None = None) -> Estimate:
    values = (band[name][place] for name in ("value", "low", "high"))
    if prevalence is None:
        return Estimate(*values)
    return Estimate(*(None if x is None else float(at_prevalence(np.array(x), prevalence)) for x in values))


def _scaled(share: Estimate, by: float) -> Estimate:
    return Estimate(*(None if x is None else x * by for x in (share.value, share.low, share.high)))


def _rest(share: Estimate, by: float) -> Estimate:
    return Estimate(*(None if x is None else (1 - x) * by for x in (share.value, share.high, share.low)))
