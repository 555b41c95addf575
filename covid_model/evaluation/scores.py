"""Scores as plain functions of arrays, without weights; `evaluation.cases` has those of a report."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covid_model.evaluation.bootstrap import ENDS
from covid_model.evaluation.ranked import Ranked

Floats = NDArray[np.float64]

CHANCE_DRAWS: Final = 4000


def auc(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> float:
    """Area under the ROC curve of `score` (n,) for the positives of `truth` (n,); NaN where one class is absent.

    >>> auc(np.array([True, False, True]), np.array([0.9, 0.2, 0.4]))
    1.0
    """
    if truth.all() or not truth.any():
        return float("nan")
    return float(Ranked(truth, score).under(np.ones((1, len(truth)))).auc()[0])


def threshold_at_specificity(truth: NDArray[np.bool_], score: NDArray[np.floating], specificity: float) -> float:
    """The smallest threshold with at least `specificity` of the negatives below it.

    An image is positive when score >= threshold. truth: (n,) bool. score: (n,). Raises ValueError without negatives.

    >>> threshold = threshold_at_specificity(np.array([False, False, True]), np.array([0.1, 0.3, 0.9]), 0.95)
    >>> 0.3 < threshold < 0.3001
    True
    """
    negatives = np.sort(score[~truth])
    if negatives.size == 0:
        raise ValueError("Received no negative image; a threshold at fixed specificity needs some.")
    below = int(np.ceil(specificity * negatives.size))
    if below == 0:
        return float(negatives[0])
    return float(np.nextafter(negatives[below - 1], np.inf))


def threshold_at_sensitivity(truth: NDArray[np.bool_], score: NDArray[np.floating], sensitivity: float) -> float:
    """The largest threshold with at least `sensitivity` of the positives at or above it. As `threshold_at_specificity`.

    >>> threshold_at_sensitivity(np.array([False, True, True]), np.array([0.1, 0.3, 0.9]), 0.95)
    0.3
    """
    positives = np.sort(score[truth])[::-1]
    if positives.size == 0:
        raise ValueError("Received no positive image; a threshold at fixed sensitivity needs some.")
    return float(positives[max(0, int(np.ceil(sensitivity * positives.size)) - 1)])


def sensitivity(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    """Share of the positives of `truth` (n,) that are called positive; NaN without positives.

    >>> sensitivity(np.array([True, True, False]), np.array([True, False, False]))
    0.5
    """
    return float(called[truth].mean()) if truth.any() else float("nan")


def confusion(label: NDArray[np.int64], predicted: NDArray[np.integer], classes: int) -> list[list[int]]:
    """Counts of images, rows true and columns predicted. classes: their number.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    [[1, 1], [0, 1]]
    """
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (label, predicted), 1)
    return matrix.tolist()


def net_benefit(sensitivity: Floats, specificity: Floats, prevalence: Floats | float, threshold: Floats) -> Floats:
    """Net benefit of acting on the images called positive, a person (Vickers 2006, 10.1177/0272989X06295361).

    threshold: the probability at which harm of a needless action and benefit of a needed one balance, below 1.

    >>> round(float(net_benefit(1.0, 1.0, 0.2, 0.5)), 3)
    0.2
    """
    found, needless = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return np.asarray(found - needless * threshold / (1 - threshold))


def at_prevalence(even: Floats, prevalence: float) -> Floats:
    """A predictive value at a prevalence, from the one at 50 % (Bayes). even: PPV at 50 %; for an NPV give 1 - prevalence.

    >>> round(float(at_prevalence(0.9, 0.1)), 3)
    0.5
    """
    return np.asarray(even * prevalence / (even * prevalence + (1 - even) * (1 - prevalence)))


def dice(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Overlap of two masks of one shape, 2 |A and B| / (|A| + |B|); 1 where both are empty.

    >>> dice(np.array([True, True, False]), np.array([True, False, False])) == 2 / 3
    True
    """
    total = int(truth.sum()) + int(found.sum())
    return 2 * int((truth & found).sum()) / total if total else 1.0


def calibration_error_by_chance(images: ArrayLike, confidence: ArrayLike) -> tuple[float, float]:
    """Between which values the expected calibration error of a perfectly calibrated model lies in 95% of sets of so few
    images; both in [0, 1].

    images: (bins,) in each bin. confidence: (bins,) their mean confidence. In each bin a binomial share of the answers is
    right; the error is the mean gap between it and the confidence, over 4,000 draws with a fixed seed.

    >>> low, high = calibration_error_by_chance([39] * 15, [0.8] * 15)
    >>> round(low, 2), round(high, 2)
    (0.03, 0.07)
    """
    n, p = np.asarray(images, np.int64), np.asarray(confidence, np.float64)
    right = np.random.default_rng(0).binomial(n, p, (CHANCE_DRAWS, len(n)))
    low, high = np.percentile(np.abs(right - n * p).sum(axis=1) / n.sum(), ENDS)
    return float(low), float(high)
