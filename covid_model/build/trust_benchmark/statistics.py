"""Rates, areas under ROC curves and pass lines, with intervals by bootstrap over models.

Images of one model are not independent: they share its training. So each model gives one number, and models are drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.evaluation.bootstrap import ENDS, exact_ends
from covid_model.evaluation.scores import auc

Values = NDArray[np.float64]

DRAWS: Final = 2000
FEWEST: Final = 2
"""Models of a kind below which nothing can be said about how they vary."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval and the models behind it.

    value: None without models. low, high: None where too few models give no interval.
    """

    value: float | None
    low: float | None
    high: float | None
    models: int


def rate(values: Values, seed: int = 0) -> Estimate:
    """The mean of one value in [0, 1] a model, (n,), with the percentile interval of a bootstrap over models.

    Where all models have 0, or all have 1, a bootstrap has no width; the interval is then the exact one of Clopper and
    Pearson 1934 for n models, 0 or n of which err.

    >>> rate(np.zeros(10)).high.__round__(3)
    0.308
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return Estimate(None, None, None, 0)
    value = float(known.mean())
    if value in (0.0, 1.0):
        return Estimate(value, *exact_ends(value, len(known)), len(known))
    return _mean(known, seed)


def difference(one: Values, other: Values, seed: int = 0) -> Estimate:
    """The mean of the paired differences one - other, (n,), with its interval by bootstrap over models."""
    gap = one - other
    known = gap[~np.isnan(gap)]
    if not len(known):
        return Estimate(None, None, None, 0)
    return _mean(known, seed)


def separation(positives: Values, negatives: Values, seed: int = 0) -> Estimate:
    """The area under the ROC curve by which one score a model tells `positives` (p,) from `negatives` (n,).

    The bootstrap draws models of each kind apart, so that every draw has both. Where the kinds do not overlap it has no
    width; the interval is then that of `rate` for the smaller kind.

    >>> separation(np.array([2.0, 3.0]), np.array([1.0, 2.5])).value
    0.75
    """
    one, other = positives[~np.isnan(positives)], negatives[~np.isnan(negatives)]
    if min(len(one), len(other)) < FEWEST:
        return Estimate(None, None, None, len(one) + len(other))
    truth = np.arange(len(one) + len(other)) < len(one)
    value = auc(truth, np.concatenate([one, other]))
    if value in (0.0, 1.0):
        return Estimate(value, *exact_ends(value, min(len(one), len(other))), len(truth))
    rng = np.random.default_rng(seed)
    above = (one[:, None] > other) + 0.5 * (one[:, None] == other)
    of_one, of_other = (rng.multinomial(n, np.full(n, 1 / n), DRAWS) for n in above.shape)
    drawn = ((of_one @ above) * of_other).sum(axis=1) / above.size
    low, high = np.percentile(drawn, ENDS)
    return Estimate(float(value), float(low), float(high), len(truth))


def best_line(score: Callable[[float], float], candidates: Sequence[float]) -> float:
    """The middle of the candidates between which `score` is highest, of those next to one another.

    >>> best_line(lambda line: -abs(line - 2), [1.0, 2.0, 3.0])
    2.0
    """
    ordered = sorted(set(candidates))
    found = np.array([score(line) for line in ordered])
    best = np.flatnonzero(found == found.max())
    first = best[: 1 + int(np.argmin(np.append(np.diff(best) == 1, False)))]
    return float(ordered[int(first[len(first) // 2])])


def _mean(values: Values, seed: int) -> Estimate:
    """The mean and its percentile interval; no interval below FEWEST models."""
    if len(values) < FEWEST:
        return Estimate(float(values.mean()), None, None, len(values))
    rng = np.random.default_rng(seed)
    drawn = values[rng.integers(0, len(values), (DRAWS, len(values)))].mean(axis=1)
    low, high = np.percentile(drawn, ENDS)
    return Estimate(float(values.mean()), float(low), float(high), len(values))
