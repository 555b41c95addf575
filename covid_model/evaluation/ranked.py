"""ROC and precision-recall of one class from images sorted once, under the weights of any number of bootstrap draws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Images sorted by score, with the weights of d draws. Images of one score are one group; g groups, ascending.

    positives, all_images: (d, g) summed weights up to and including each group. starts, scores: (g,) first image and score
    of each group. has_positive: (g,) bool.
    """

    positives: Floats
    all_images: Floats
    scores: Floats
    has_positive: NDArray[np.bool_]

    def auc(self) -> Floats:
        """(d,) area under the ROC curve by weighted ranks (Mann-Whitney), ties counted half; NaN where a class is absent."""
        which = np.flatnonzero(self.has_positive)
        inside = _steps(self.positives, which)
        middle = self.all_images[:, which] - _steps(self.all_images, which) / 2
        positives, total = self.positives[:, -1], self.all_images[:, -1]
        above = np.einsum("dg,dg->d", inside, middle) - positives**2 / 2  # without the pairs of two positives
        return above / (positives * (total - positives))

    def average_precision(self) -> Floats:
        """(d,) sum over thresholds of recall gained x precision, as scikit-learn's; NaN without positives."""
        which = np.flatnonzero(self.has_positive)
        inside, count = _steps(self.positives, which), _steps(self.all_images, which)
        positives, total = self.positives[:, -1:], self.all_images[:, -1:]
        found = positives - self.positives[:, which] + inside
        called = total - self.all_images[:, which] + count
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        return np.einsum("dg,dg->d", inside, precision) / positives[:, 0]

    def called(self, thresholds: Floats) -> tuple[Floats, Floats]:
        """Summed weights, (d, t) each, of positives and of negatives whose score is at least each threshold."""
        place = np.searchsorted(self.scores, thresholds, side="left") - 1
        below = [np.where(place < 0, 0.0, sums[:, np.maximum(place, 0)]) for sums in (self.positives, self.all_images)]
        found = self.positives[:, -1:] - below[0]
        return found, self.all_images[:, -1:] - below[1] - found


def _steps(sums: Floats, which: NDArray[np.intp]) -> Floats:
    """What some groups add to cumulated sums."""
    before = sums[:, np.maximum(which - 1, 0)]
    before[:, which == 0] = 0
    return sums[:, which] - before


class Ranked:
    """One class's scores sorted once. truth: (n,) bool. score: (n,)."""

    def __init__(self, truth: NDArray[np.bool_], score: NDArray[np.floating]) -> None:
        self._order = np.argsort(score, kind="stable")
        ordered = np.asarray(score, np.float64)[self._order]
        self._truth = truth[self._order].astype(np.float64)
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self._scores = ordered[self._ends]
        positives = np.cumsum(self._truth)[self._ends]
        self._has_positive = np.diff(positives, prepend=0) > 0

    def under(self, weights: Floats) -> Ranking:
        """The ranking under the weights (d, n) of d draws."""
        ordered = np.take(weights, self._order, axis=1)
        everything = np.cumsum(ordered, axis=1)
        ordered *= self._truth
        positives = np.cumsum(ordered, axis=1, out=ordered)
        if len(self._ends) < weights.shape[1]:
            everything, positives = everything[:, self._ends], positives[:, self._ends]
        return Ranking(positives, everything, self._scores, self._has_positive)
