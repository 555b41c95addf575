"""Split conformal prediction sets: classes that hold the true one with a probability fixed beforehand.

The promise holds for images drawn like those they were calibrated on; by source, coverage shows where it breaks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from covid_model.evaluation.bootstrap import ENDS, Floats

LEVEL: Final = 0.9
Kind = Literal["marginal", "by_class"]
KINDS: Final[tuple[Kind, ...]] = ("marginal", "by_class")


def limit(scores: Floats, level: float = LEVEL) -> float:
    """The score up to which a class belongs to the set: order statistic ceil((n + 1) level) of (n,) calibration scores.

    Vovk 2005; Angelopoulos and Bates 2021, arXiv 2107.07511, sec. 1. 1.0, every class, where there are too few images.

    >>> limit(np.arange(1, 10) / 10, 0.9)
    0.9
    >>> limit(np.array([0.1, 0.2]), 0.9)
    1.0
    """
    place = int(np.ceil((len(scores) + 1) * level))
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else 1.0


def coverage_by_chance(calibrated_on: int, images: int, level: float = LEVEL) -> tuple[float, float]:
    """Between which shares the coverage of exact sets lies in 95% of pairs of so many calibration and other images.

    Coverage is beta-binomial with k and n + 1 - k, k = ceil((n + 1) level), for n calibration images (Vovk 2012;
    Angelopoulos and Bates 2021, arXiv 2107.07511, sec. 3.2), where images are drawn one by one; several of a patient widen
    it. Too few calibration images give sets of all classes, which always hold the true one.

    >>> low, high = coverage_by_chance(1000, 100_000)
    >>> round(low, 3), round(high, 3)
    (0.881, 0.918)
    """
    from scipy.stats import betabinom  # half a second, which the sets themselves need not wait for

    place = int(np.ceil((calibrated_on + 1) * level))
    if place > calibrated_on:
        return 1.0, 1.0
    # Its own quantile function takes half a second for 100,000 images, the sum of all probabilities a fraction of that.
    reached = betabinom.pmf(np.arange(images + 1), images, place, calibrated_on + 1 - place).cumsum()
    low, high = np.searchsorted(reached, np.array(ENDS) / 100) / images
    return float(low), float(high)


@dataclass(frozen=True)
class ConformalSets:
    """Limits of the score 1 - probability, one a class. level: promised coverage. kind: for all images together, or for the
    images of each true class (Mondrian).
    """

    kind: Kind
    level: float
    limits: tuple[float, ...]

    @classmethod
    def fit(cls, kind: Kind, probabilities: Floats, label: NDArray[np.int64], level: float = LEVEL) -> "ConformalSets":
        """The sets calibrated on images (n, classes) with their true classes (n,)."""
        scores, classes = 1 - probabilities[np.arange(len(label)), label], probabilities.shape[1]
        if kind == "marginal":
            return cls(kind, level, (limit(scores, level),) * classes)
        return cls(kind, level, tuple(limit(scores[label == k], level) for k in range(classes)))

    def contain(self, probabilities: Floats) -> NDArray[np.bool_]:
        """(n, classes), which classes are in the set of each image. Sets may be empty."""
        return np.asarray(1 - probabilities <= np.array(self.limits))


def set_measures(sets: NDArray[np.bool_], label: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
    """What is averaged over images, (n,) each: coverage, size, and whether the set is empty or names a single class."""
    size = sets.sum(axis=1)
    return {
        "coverage": sets[np.arange(len(label)), label].astype(np.float64),
        "size": size.astype(np.float64),
        "empty": (size == 0).astype(np.float64),
        "single": (size == 1).astype(np.float64),
    }
