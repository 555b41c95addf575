"""Bootstrap intervals by patient: all images of a patient are drawn together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DRAWS: Final = 2000


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % percentile interval. value, low, high: None where it is not defined (an absent class)."""

    value: float | None
    low: float | None
    high: float | None
    images: int
    patients: int


def patient_interval(
    patients: Sequence[str] | NDArray[np.str_],
    statistic: Callable[[NDArray[np.int64]], float],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """Bootstrap `statistic`, a function of image indices (n,), by drawing patients with replacement (Efron 1979).

    patients: one name an image. draws: number of resamples; those for which the statistic is NaN (a class is missing) are
    left out of the percentiles.

    >>> ages = np.array([50.0, 50.0, 80.0])
    >>> patient_interval(["a", "a", "b"], lambda i: float(ages[i].mean()))
    Interval(value=60.0, low=50.0, high=80.0, images=3, patients=2)
    """
    names, owner = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    images = len(owner)
    if images == 0:
        return Interval(None, None, None, 0, 0)
    members = [np.flatnonzero(owner == number) for number in range(len(names))]
    value = statistic(np.arange(images))
    rng = np.random.default_rng(seed)
    drawn = [statistic(np.concatenate([members[k] for k in rng.integers(0, len(names), len(names))])) for _ in range(draws)]
    if np.isnan(value) or np.isnan(drawn).all():
        return Interval(None if np.isnan(value) else float(value), None, None, images, len(names))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Interval(float(value), float(low), float(high), images, len(names))


def mean_interval(patients: Sequence[str] | NDArray[np.str_], values: NDArray[np.floating]) -> Interval:
    """The mean of one value an image, (n,), with its interval by patient.

    >>> mean_interval(["a", "b"], np.array([1.0, 1.0])).low
    1.0
    """
    return patient_interval(patients, lambda i: float(values[i].mean()))
