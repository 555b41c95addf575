"""ROC and precision-recall of one class from images sorted once, under the weights of any number of bootstrap draws."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from covid_model.evaluation.bootstrap import Floats, Weights


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole without a warning; NaN for nothing of nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(part / whole)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Images sorted by score under the weights of d draws. Images of one score form a group; p groups hold a positive.

    upto: (d, n) summed weights of the images up to each. inside, group_upto, group: (d, p) the weights of the positives of a
    group, of all images up to and including it, and of all its images. scores: (n,) ascending. positive_scores: (p,).
    """

    upto: NDArray[np.int32]
    inside: Floats
    group_upto: Floats
    group: Floats
    scores: Floats
    positive_scores: Floats

    @cached_property
    def positives(self) -> Floats:
        """(d,) weight of all positives."""
        return np.asarray(self.inside.sum(axis=1))

    @cached_property
    def positives_upto(self) -> Floats:
        """(d, p) summed weights of the positives up to and including each group."""
        return np.cumsum(self.inside, axis=1)

    @cached_property
    def negatives(self) -> Floats:
        """(d,) weight of all negatives."""
        return self.upto[:, -1] - self.positives

    def auc(self) -> Floats:
        """(d,) area under the ROC curve by weighted ranks (Mann-Whitney), ties counted half; NaN where a class is absent."""
        ranks = np.einsum("dp,dp->d", self.inside, self.group_upto) - np.einsum("dp,dp->d", self.inside, self.group) / 2
        positives = self.positives
        return ratio(ranks - positives**2 / 2, positives * self.negatives)  # without the pairs of two positives

    def average_precision(self) -> Floats:
        """(d,) sum over thresholds of recall gained x precision, as scikit-learn's; NaN without positives."""
        found = self.positives[:, None] - self.positives_upto + self.inside
        called = self.upto[:, -1:].astype(np.float64) - self.group_upto + self.group
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        return ratio(np.einsum("dp,dp->d", self.inside, precision), self.positives)

    def called(self, thresholds: Floats) -> tuple[Floats, Floats]:
        """Summed weights, (d, t) each, of positives and of negatives whose score is at least each threshold."""
        found = self.positives[:, None] - _before(self.positives_upto, self.positive_scores, thresholds)
        return found, self.upto[:, -1:] - _before(self.upto, self.scores, thresholds) - found


def _before(sums: NDArray[np.number], scores: Floats, thresholds: Floats) -> Floats:
    """(d, t) of cumulated sums (d, n): what lies below each threshold. scores: (n,) ascending."""
    place = np.searchsorted(scores, thresholds, side="left")
    return (
        np.where(place > 0, sums[:, np.maximum(place, 1) - 1], 0.0) if sums.shape[1] else np.zeros((len(sums), len(place)))
    )


class Ranked:
    """One class's scores sorted once. truth: (n,) bool. score: (n,)."""

    def __init__(self, truth: NDArray[np.bool_], score: NDArray[np.floating]) -> None:
        self._order = np.argsort(score, kind="stable")
        self._scores = np.asarray(score, np.float64)[self._order]
        changes = self._scores[1:] != self._scores[:-1]
        starts, ends = np.flatnonzero(np.append(True, changes)), np.flatnonzero(np.append(changes, True))
        self._positive = np.flatnonzero(truth[self._order])
        group = np.searchsorted(ends, self._positive)
        first = np.flatnonzero(np.diff(group, prepend=-1))
        self._first = first if len(first) < len(group) else None
        self._starts, self._ends = starts[group[first]], ends[group[first]]
        self._ties = bool(len(ends) < len(self._scores))

    def under(self, weights: Weights) -> Ranking:
        """The ranking under the weights (d, n) of d draws."""
        # weights are whole numbers, and NumPy sums those several times faster than floats
        upto = np.take(weights, self._order, axis=1).astype(np.int32)
        inside = np.take(upto, self._positive, axis=1).astype(np.float64)
        if self._first is not None:
            inside = np.add.reduceat(inside, self._first, axis=1)
        np.cumsum(upto, axis=1, dtype=np.int32, out=upto)
        group_upto, group = np.take(upto, self._ends, axis=1).astype(np.float64), inside
        if self._ties:
            group = group_upto - np.where(self._starts > 0, upto[:, np.maximum(self._starts, 1) - 1], 0.0)
        return Ranking(upto, inside, group_upto, group, self._scores, self._scores[self._ends])
