"""Temperature and operating points, fitted on the validation split."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from covid_model.evaluation.scores import threshold_at_sensitivity, threshold_at_specificity
from covid_model.models.calibration import calibrated

SPECIFICITY = 0.95
SENSITIVITY = 0.95


def fit_temperature(logits: NDArray[np.floating], label: NDArray[np.int64]) -> float:
    """The temperature in [0.05, 20] with the lowest mean log loss (Guo 2017, arXiv 1706.04599, sec. 4.2).

    logits: (n, units). label: (n,) class indices.
    """

    def loss(log_temperature: float) -> float:
        chosen = calibrated(logits, float(np.exp(log_temperature)))[np.arange(len(label)), label]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))


def operating_points(
    probabilities: NDArray[np.floating], label: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """For each class, the thresholds of 95% specificity and of 95% sensitivity on these images.

    probabilities: (n, classes). label: (n,) class indices. Raises ValueError where all images are of one class. A class
    without images has no threshold of fixed sensitivity.

    >>> points = operating_points(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), ("COVID-19", "Normal"))
    >>> {name: round(threshold, 6) for name, threshold in points["COVID-19"].items()}
    {'specificity_0.95': 0.2, 'sensitivity_0.95': 0.9}
    """
    points: dict[str, dict[str, float]] = {}
    for k, name in enumerate(classes):
        truth, score = label == k, probabilities[:, k]
        points[name] = {f"specificity_{SPECIFICITY}": threshold_at_specificity(truth, score, SPECIFICITY)}
        if truth.any():
            points[name][f"sensitivity_{SENSITIVITY}"] = threshold_at_sensitivity(truth, score, SENSITIVITY)
    return points
