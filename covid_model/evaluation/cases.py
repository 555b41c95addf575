"""Labelled images with a model's probabilities, and every score of them under bootstrap weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.evaluation.bootstrap import Floats, Statistic, Weights
from covid_model.evaluation.ranked import Ranked, Ranking, ratio
from covid_model.evaluation.scores import net_benefit
from covid_model.models.calibration import CALLED, Head

BINS: Final = 15
GRID: Final = np.arange(100) / 100
"""Thresholds of the curves: 0.00 to 0.99."""
SMALLEST: Final = 1e-12
"""Probabilities are at least this before their logarithm is taken."""


@dataclass(frozen=True, eq=False)
class Cases:
    """n labelled images. label: (n,) class indices. probabilities: (n, classes). patients: (n,) a name or number each.

    uncalibrated: (n, classes), the probabilities before temperature scaling, where they are known.
    """

    classes: tuple[str, ...]
    label: NDArray[np.int64]
    probabilities: Floats
    patients: NDArray[Any]
    head: Head = "multiclass"
    uncalibrated: Floats | None = None

    def where(self, chosen: NDArray[np.bool_]) -> "Cases":
        """Some of the images. chosen: (n,)."""
        before = None if self.uncalibrated is None else self.uncalibrated[chosen]
        return replace(
            self,
            label=self.label[chosen],
            probabilities=self.probabilities[chosen],
            patients=self.patients[chosen],
            uncalibrated=before,
        )

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,) class of highest probability."""
        return np.asarray(self.probabilities.argmax(axis=1))

    def behind(self, thresholds: Mapping[str, float]) -> Callable[[str], int]:
        """Name of a score of `all_scores` -> the patients of whom it is a share; 0 for what is no share."""

        def patients(score: str) -> int:
            measure, _, name = score.partition("/")
            if measure == "accuracy":
                return len(np.unique(self.patients))
            if measure not in ("sensitivity", "specificity", "ppv", "npv"):
                return 0
            k = self.classes.index(name)
            called = self.probabilities[:, k] >= thresholds[name]
            inside = self.label == k if measure in ("sensitivity", "specificity") else called
            return len(np.unique(self.patients[inside if measure in ("sensitivity", "ppv") else ~inside]))

        return patients

    def thresholds(self, points: Mapping[str, Mapping[str, float]], point: str) -> dict[str, float]:
        """Class -> its threshold at an operating point; without one 1 / classes, or 50% in a multilabel model."""
        even = CALLED if self.head == "multilabel" else 1 / len(self.classes)
        return {name: points.get(name, {}).get(point, even) for name in self.classes}


class EqualMassBins:
    """Images in bins of equal count by the probability of their predicted class, as drawn from the images themselves.

    confidence, right: (n,) of the images in the order of the bins.
    """

    def __init__(self, label: NDArray[np.int64], probabilities: Floats, bins: int = BINS) -> None:
        confidence = probabilities.max(axis=1)
        self._order = np.argsort(confidence, kind="stable")
        parts = np.array_split(np.arange(len(label)), min(bins, len(label)))
        self._starts = np.array([part[0] for part in parts])
        self.confidence = confidence[self._order]
        self.right = (probabilities.argmax(axis=1) == label)[self._order].astype(np.float64)
        self._gap = self.confidence - self.right

    def summed(self, weights: Weights, values: Floats | float = 1.0) -> Floats:
        """(d, bins) weighted sums of values (n,), which are in the order of the bins; of the weights alone by default."""
        return np.asarray(np.add.reduceat(np.take(weights, self._order, axis=1) * values, self._starts, axis=1))

    def error(self, weights: Weights) -> Floats:
        """(d,) expected calibration error in [0, 1] (Guo 2017, arXiv 1706.04599, eq. 3)."""
        return np.asarray(np.abs(self.summed(weights, self._gap)).sum(axis=1) / weights.sum(axis=1))


def proper_scores(cases: Cases) -> tuple[Floats, Floats]:
    """Brier score (the sum over classes) and log loss of each image, (n,) both; multilabel log loss sums over classes."""
    truth = np.eye(len(cases.classes))[cases.label]
    brier = ((cases.probabilities - truth) ** 2).sum(axis=1)
    own = np.log(np.maximum(cases.probabilities, SMALLEST))
    if cases.head == "multiclass":
        return brier, -(truth * own).sum(axis=1)
    others = np.log(np.maximum(1 - cases.probabilities, SMALLEST))
    return brier, -(truth * own + (1 - truth) * others).sum(axis=1)


def balanced_accuracy(label: NDArray[np.int64], predicted: NDArray[np.int64]) -> Callable[[Weights], Floats]:
    """Weights (d, n) -> (d,), the mean recall over the classes that occur. label, predicted: (n,) class indices.

    >>> balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))(np.ones((1, 4))).tolist()
    [0.5]
    """
    members = (label[:, None] == np.unique(label)).astype(np.float64)
    hits = members * (predicted == label)[:, None]
    return lambda weights: _mean_over_classes(list(ratio(weights @ hits, weights @ members).T))


def _mean_over_classes(parts: list[Floats]) -> Floats:
    """(d,) mean over the classes for which a score is defined; NaN where it is for none."""
    values = np.stack(parts)
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))


def _two_by_two(found: Floats, needless: Floats, ranking: Ranking) -> dict[str, Floats]:
    """Sensitivity, specificity and predictive values from the weights of positives and negatives that are called."""
    shape = (-1, *[1] * (found.ndim - 1))
    positives, negatives = ranking.positives.reshape(shape), ranking.negatives.reshape(shape)
    missed, cleared = positives - found, negatives - needless
    return {
        "sensitivity": ratio(found, positives),
        "specificity": ratio(cleared, negatives),
        "ppv": ratio(found, found + needless),
        "npv": ratio(cleared, cleared + missed),
    }


BIASED: Final = ("ece",)
"""Starts of the names of scores that resampling raises (`bootstrap.centred`)."""


def all_scores(cases: Cases, thresholds: Mapping[str, float]) -> Statistic:
    """Every single-number score, as a statistic. thresholds: class -> probability from which it is called."""
    ranked = [Ranked(cases.label == k, cases.probabilities[:, k]) for k in range(len(cases.classes))]
    bins = {"ece": EqualMassBins(cases.label, cases.probabilities)}
    if cases.uncalibrated is not None:
        bins["ece/before temperature"] = EqualMassBins(cases.label, cases.uncalibrated)
    brier, log_loss = proper_scores(cases)
    right = (cases.predicted == cases.label).astype(np.float64)
    summed, balanced = np.column_stack([right, brier, log_loss]), balanced_accuracy(cases.label, cases.predicted)

    def statistic(weights: Weights) -> dict[str, Floats]:
        accuracy, brier_mean, log_loss_mean = (weights @ summed).T / weights.sum(axis=1)
        found = {
            "accuracy": accuracy,
            "balanced_accuracy": balanced(weights),
            **{name: part.error(weights) for name, part in bins.items()},
            "brier": brier_mean,
            "log_loss": log_loss_mean,
        }
        pairs = zip(cases.classes, ranked, strict=True)
        by_class = {name: _class_scores(rank.under(weights), thresholds[name]) for name, rank in pairs}
        for score in ("auc", "auprc"):
            found[f"{score}/macro"] = _mean_over_classes([part[score] for part in by_class.values()])
        return found | {f"{score}/{name}": value for name, part in by_class.items() for score, value in part.items()}

    return statistic


def _class_scores(ranking: Ranking, threshold: float) -> dict[str, Floats]:
    found, needless = ranking.called(np.array([threshold]))
    return {
        "auc": ranking.auc(),
        "auprc": ranking.average_precision(),
        **_two_by_two(found[:, 0], needless[:, 0], ranking),
    }


def all_curves(cases: Cases, points: Mapping[str, Mapping[str, float]]) -> Statistic:
    """What is drawn as curves, as a statistic. points: class -> {name of an operating point: threshold}.

    `threshold/CLASS/MEASURE` (d, 100) on GRID: sensitivity, specificity, net_benefit at the prevalence of the images, and
    ppv_even and npv_even, the predictive values at a prevalence of 50%, from which `scores.at_prevalence` has those at any.
    `point/CLASS/MEASURE` (d, points): sensitivity, specificity, ppv, npv. `reliability` (d, bins): share of right answers.
    `abstention` (d, steps): accuracy on the images whose entropy is lowest, at the steps ANSWERED.
    """
    ranked = [Ranked(cases.label == k, cases.probabilities[:, k]) for k in range(len(cases.classes))]
    bins, answered = EqualMassBins(cases.label, cases.probabilities), Abstention(cases)

    def statistic(weights: Weights) -> dict[str, Floats]:
        right, count = bins.summed(weights, bins.right), bins.summed(weights)
        found = {"reliability": ratio(right, count), "abstention": answered.accuracy(weights)}
        for name, rank in zip(cases.classes, ranked, strict=True):
            ranking = rank.under(weights)
            rates = _two_by_two(*ranking.called(GRID), ranking)
            sensitivity, specificity = rates["sensitivity"], rates["specificity"]
            share = (ranking.positives / ranking.upto[:, -1])[:, None]
            lines = {
                "sensitivity": sensitivity,
                "specificity": specificity,
                "net_benefit": net_benefit(sensitivity, specificity, share, GRID),
                "ppv_even": ratio(sensitivity, sensitivity + 1 - specificity),
                "npv_even": ratio(specificity, specificity + 1 - sensitivity),
            }
            found |= {f"threshold/{name}/{measure}": line for measure, line in lines.items()}
            if points.get(name):
                rates = _two_by_two(*ranking.called(np.array(list(points[name].values()))), ranking)
                found |= {f"point/{name}/{measure}": line for measure, line in rates.items()}
        return found

    return statistic


ANSWERED: Final = np.arange(1, 21) / 20
"""Shares of the images that are answered, for the abstention curve."""


def entropy(probabilities: Floats) -> Floats:
    """(n,) predictive entropy in nats of (n, classes).

    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]])).round(3).tolist()
    [0.0, 0.693]
    """
    return -(probabilities * np.log(np.maximum(probabilities, SMALLEST))).sum(axis=1) + 0.0


class Abstention:
    """Accuracy on the images that are answered, where the most uncertain are not."""

    def __init__(self, cases: Cases) -> None:
        self._order = np.argsort(entropy(cases.probabilities), kind="stable")
        self._right = (cases.predicted == cases.label)[self._order].astype(np.int32)
        self._last = np.maximum(np.round(ANSWERED * len(cases.label)).astype(int), 1) - 1

    def accuracy(self, weights: Weights) -> Floats:
        """(d, steps) at the steps ANSWERED of the images themselves."""
        ordered = np.take(weights, self._order, axis=1).astype(np.int32)  # as in `Ranked.under`
        right, count = (np.cumsum(part, axis=1, dtype=np.int32)[:, self._last] for part in (ordered * self._right, ordered))
        return ratio(right.astype(np.float64), count.astype(np.float64))
