"""Bootstrap intervals by patient: all images of a patient are drawn together.

A draw is a weight for each image: how often its patient was drawn. A statistic takes the weights of several draws at once,
so that a bootstrap is matrix products and sorted sums, not a Python loop over resamples.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Progress
from covid_model.threads import CORES, blas_on_one_thread, in_order

DRAWS: Final = 2000
CELLS: Final = 100_000
"""Weights of one call of a statistic: so few that they stay in the cache of a core."""
ENDS: Final = (2.5, 97.5)

Floats = NDArray[np.float64]
Weights = NDArray[np.floating]
"""Whole numbers, (d, n). Up to 2^24 images single precision sums them exactly, and it halves the memory to read."""
Statistic = Callable[[Weights], Mapping[str, Floats]]
"""Weights (d, n) of n images in d draws -> name of a score -> its values (d, ...); NaN where it is not defined."""


@dataclass(frozen=True)
class Interval:
    """A score with its 95% percentile interval. value, low, high: None where it is not defined (an absent class)."""

    value: float | None
    low: float | None
    high: float | None
    images: int
    patients: int


class Share(Protocol):
    """What `with_exact_ends` reads of a result, which is a dataclass with `low` and `high`, too."""

    @property
    def value(self) -> float | None: ...
    @property
    def patients(self) -> int: ...


AnyShare = TypeVar("AnyShare", bound=Share)


@dataclass(frozen=True, eq=False)
class Resampled:
    """Scores on the images themselves, and on resamples of their patients.

    values: score -> (...). drawn: score -> (draws, ...).
    """

    values: dict[str, Floats]
    drawn: dict[str, Floats]
    images: int
    patients: int

    def intervals(self, behind: Callable[[str], int] = lambda score: 0) -> dict[str, Interval]:
        """The interval of every score that is a single number. Draws for which it is not defined are left out.

        behind: the patients of whom a score is a share; 0 for what is no share. A share of 0 or 1 has `exact_ends`.
        """
        ends, found = self.ends(), {}
        for name, value in self.values.items():
            if value.ndim == 0:
                low, high = ends[name]
                if value in (0, 1) and (count := behind(name)):
                    low, high = exact_ends(float(value), count)
                found[name] = Interval(_number(value), _number(low), _number(high), self.images, self.patients)
        return found

    def bands(self, name: str, digits: int = 4) -> dict[str, list[Any]]:
        """A score that is a curve, as lists `value`, `low` and `high`; None where it is not defined."""
        low, high = self.ends((name,))[name]
        lines = {"value": self.values[name], "low": low, "high": high}
        return {key: [None if np.isnan(x) else round(float(x), digits) for x in line] for key, line in lines.items()}

    def ends(self, names: Sequence[str] | None = None) -> dict[str, Floats]:
        """Score -> (2, ...), the ends of its interval."""
        found = {}
        for name in names if names is not None else self.drawn:
            drawn = self.drawn[name]
            ends = np.full((2, *drawn.shape[1:]), np.nan)
            known = ~np.isnan(drawn).all(axis=0) & ~np.isnan(self.values[name])
            if known.any():
                ends[:, known] = np.nanpercentile(drawn[:, known], ENDS, axis=0)
            found[name] = ends
        return found


def _number(value: Floats | float) -> float | None:
    return None if np.isnan(value) else float(value)


def patient_weights(owner: NDArray[np.integer], draws: int, seed: int, chunk: int) -> Iterator[Weights]:
    """Weights (at most `chunk`, n) of n images, for `draws` resamples of their patients with replacement (Efron 1979).

    owner: (n,) number of each image's patient, 0 to patients - 1. The same owners and seed give the same draws, so that two
    models can be compared draw by draw.
    """
    patients = int(owner.max()) + 1
    rng = np.random.default_rng(seed)
    for start in range(0, draws, chunk):
        some = min(chunk, draws - start)
        drawn = np.stack([rng.integers(0, patients, patients) for _ in range(some)])
        drawn += np.arange(some)[:, None] * patients
        counts = np.bincount(drawn.ravel(), minlength=some * patients).reshape(some, patients)
        yield np.take(counts.astype(np.float32), owner, axis=1)


def resample(
    patients: Sequence[str] | NDArray[Any],
    statistic: Statistic,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    biased: tuple[str, ...] = (),
) -> Resampled:
    """The scores of a statistic on at least one image, and on resamples of the patients. patients: one name an image.

    biased: starts of the names of scores whose draws are moved so that their mean is the score on the images themselves.
    """
    owner = np.unique(np.asarray(patients), return_inverse=True)[1]
    chunk = max(1, CELLS // len(owner))
    weights = patient_weights(owner, draws, seed, chunk)
    values = statistic(np.ones((1, len(owner)), np.float32))

    def scored(some: Weights, _: Progress) -> Mapping[str, Floats]:
        return statistic(some)

    with blas_on_one_thread():
        parts = list(in_order(scored, weights, CORES))
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in values}
    drawn |= {name: centred(drawn[name], value) for name, value in values.items() if name.startswith(biased)}
    return Resampled({name: value[0] for name, value in values.items()}, drawn, len(owner), int(owner.max()) + 1)


def centred(drawn: Floats, value: Floats) -> Floats:
    """Draws (d,) moved so that their mean is `value` (1,), and none below 0 where none was.

    A mean of absolute gaps grows with noise, and a resample has the noise of the images and its own. So its draws are too
    high, and their percentiles may leave the score itself out.

    >>> centred(np.array([0.3, 0.5, 0.7]), np.array([0.1])).round(1).tolist()
    [0.0, 0.1, 0.3]
    """
    moved = drawn - np.nanmean(drawn) + value
    return np.maximum(moved, min(0.0, float(np.nanmin(drawn))))


def patient_interval(
    patients: Sequence[str] | NDArray[np.str_],
    statistic: Callable[[Weights], Floats],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The interval of one score. patients: one name an image. statistic: weights (d, n) -> (d,).

    >>> ages = np.array([50.0, 50.0, 80.0])
    >>> patient_interval(["a", "a", "b"], lambda w: w @ ages / w.sum(axis=1))
    Interval(value=60.0, low=50.0, high=80.0, images=3, patients=2)
    """
    if len(patients) == 0:
        return Interval(None, None, None, 0, 0)
    found = resample(patients, lambda weights: {"score": statistic(weights)}, draws=draws, seed=seed)
    return found.intervals()["score"]


def mean_interval(patients: Sequence[str] | NDArray[np.str_], values: NDArray[np.floating]) -> Interval:
    """The mean of one value an image, (n,), with its interval by patient.

    >>> mean_interval(["a", "b"], np.array([1.0, 1.0])).low
    1.0
    """
    return patient_interval(patients, lambda weights: weights @ values / weights.sum(axis=1))


def share_interval(patients: Sequence[str] | NDArray[np.str_], values: NDArray[np.floating]) -> Interval:
    """The mean of one value in [0, 1] an image, (n,), as `mean_interval`; with `exact_ends` where all are 0 or all are 1.

    >>> round(share_interval(["a", "b"], np.array([1.0, 1.0])).low, 3)
    0.158
    """
    return with_exact_ends(mean_interval(patients, values))


def with_exact_ends(share: AnyShare) -> AnyShare:
    """The share as it is, or with `exact_ends` for its patients where it is 0 or 1."""
    if share.value not in (0, 1):
        return share
    low, high = exact_ends(share.value, share.patients)
    return replace(share, low=low, high=high)  # type: ignore[type-var]


def exact_ends(value: float, count: int) -> tuple[float, float]:
    """The 95% interval of Clopper and Pearson 1934 where all of `count` are 0 or all are 1: a bootstrap has no width there.

    >>> low, high = exact_ends(0.0, 10)
    >>> low, round(high, 3)
    (0.0, 0.308)
    """
    beyond = float((ENDS[0] / 100) ** (1 / count))
    return (0.0, 1 - beyond) if value == 0 else (beyond, 1.0)
