"""Scores of a classifier on a set of images, each a plain function of arrays."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


def auc(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> float:
    """Area under the ROC curve of `score` (n,) for the positives of `truth` (n,); NaN where one class is absent.

    From the ranks (Mann-Whitney): a bootstrap calls it thousands of times, and scikit-learn checks its input each time.

    >>> auc(np.array([True, False, True]), np.array([0.9, 0.2, 0.4]))
    1.0
    """
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return float("nan")
    above = float(rankdata(score)[truth].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def macro_auc(label: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """Mean AUC of each class against the rest, over the classes for which it is defined; NaN where it is for none.

    label: (n,) class indices. probabilities: (n, classes).

    >>> macro_auc(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    1.0
    """
    found = [auc(label == k, probabilities[:, k]) for k in range(probabilities.shape[1])]
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")


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


def sensitivity(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    """Share of the positives of `truth` (n,) that are called positive; NaN without positives.

    >>> sensitivity(np.array([True, True, False]), np.array([True, False, False]))
    0.5
    """
    return float(called[truth].mean()) if truth.any() else float("nan")


def specificity(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    """Share of the negatives of `truth` (n,) that are not called positive; NaN without negatives.

    >>> specificity(np.array([True, True, False]), np.array([True, False, False]))
    1.0
    """
    return float(1 - called[~truth].mean()) if not truth.all() else float("nan")


def balanced_accuracy(label: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Mean recall over the classes that occur in `label`. Both (n,) class indices.

    >>> balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))
    0.5
    """
    return float(np.mean([(predicted[label == c] == c).mean() for c in np.unique(label)]))


def expected_calibration_error(label: NDArray[np.int64], probabilities: NDArray[np.floating], bins: int = 15) -> float:
    """ECE (Guo 2017, arXiv 1706.04599, eq. 3) of the predicted class in bins of equal count, in [0, 1].

    label: (n,) class indices. probabilities: (n, classes). Mean gap between confidence and accuracy, weighted by bin size.

    >>> expected_calibration_error(np.array([0, 0]), np.array([[0.75, 0.25], [0.75, 0.25]]))
    0.25
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    parts = np.array_split(np.argsort(confidence), min(bins, len(label)))
    gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(label))


def confusion(label: NDArray[np.int64], predicted: NDArray[np.integer], classes: int) -> list[list[int]]:
    """Counts of images, rows true and columns predicted. classes: their number.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    [[1, 1], [0, 1]]
    """
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (label, predicted), 1)
    return matrix.tolist()


def dice(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Overlap of two masks of one shape, 2 |A and B| / (|A| + |B|); 1 where both are empty.

    >>> dice(np.array([True, True, False]), np.array([True, False, False])) == 2 / 3
    True
    """
    total = int(truth.sum()) + int(found.sum())
    return 2 * int((truth & found).sum()) / total if total else 1.0
