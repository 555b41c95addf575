"""Scores of a classifier on a set of images, each a plain function of arrays."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


def auc(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> float:
    """Area under the ROC curve of `score` (n,) for the positives of `truth` (n,); NaN where one class is absent.

    From the ranks (Mann-Whitney): a bootstrap asks thousands of times, and scikit-learn checks its input each time.
    """
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return float("nan")
    above = float(rankdata(score)[truth].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def macro_auc(label: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """Mean AUC of each class against the rest, over the classes of which there are images and others too; else NaN."""
    found = [auc(label == k, probabilities[:, k]) for k in range(probabilities.shape[1])]
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")


def threshold_at_specificity(truth: NDArray[np.bool_], score: NDArray[np.floating], specificity: float) -> float:
    """The smallest threshold at which at least `specificity` of the negatives score below it.

    An image is called positive when score >= threshold. Raises ValueError where there is no negative.
    """
    negatives = np.sort(score[~truth])
    if negatives.size == 0:
        raise ValueError("Received no negative image; a threshold at fixed specificity needs some.")
    below = int(np.ceil(specificity * negatives.size))
    if below == 0:
        return float(negatives[0])
    return float(np.nextafter(negatives[below - 1], np.inf))


def sensitivity(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    """Share of the positives that were called positive; NaN without positives."""
    return float(called[truth].mean()) if truth.any() else float("nan")


def specificity(truth: NDArray[np.bool_], called: NDArray[np.bool_]) -> float:
    """Share of the negatives that were not called positive; NaN without negatives."""
    return float(1 - called[~truth].mean()) if not truth.all() else float("nan")


def balanced_accuracy(label: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Mean recall over the classes that occur in `label`."""
    return float(np.mean([(predicted[label == c] == c).mean() for c in np.unique(label)]))


def expected_calibration_error(label: NDArray[np.int64], probabilities: NDArray[np.floating], bins: int = 15) -> float:
    """ECE (Guo 2017, eq. 3) of the predicted class in bins of equal count.

    label: (n,) class indices. probabilities: (n, classes). Mean gap between confidence and accuracy, weighted by bin size.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    parts = np.array_split(np.argsort(confidence), min(bins, len(label)))
    gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(label))


def confusion(label: NDArray[np.int64], predicted: NDArray[np.integer], classes: int) -> list[list[int]]:
    """Counts of images, rows true and columns called."""
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (label, predicted), 1)
    return matrix.tolist()


def dice(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> float:
    """Overlap of two masks, 2 |A and B| / (|A| + |B|); 1 where both are empty."""
    total = int(truth.sum()) + int(found.sum())
    return 2 * int((truth & found).sum()) / total if total else 1.0
