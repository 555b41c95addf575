"""Temperature and operating points, fitted on the validation split."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from covid_model.evaluation.scores import threshold_at_specificity
from covid_model.models.calibration import calibrated

SPECIFICITY = 0.95


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
    """For each class, the threshold at which 95 % of the other images are negative.

    probabilities: (n, classes). label: (n,) class indices. Raises ValueError where all images are of one class.

    >>> points = operating_points(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), ("COVID-19", "Normal"))
    >>> round(points["COVID-19"]["specificity_0.95"], 6)
    0.2
    """
    return {
        name: {"specificity_0.95": threshold_at_specificity(label == k, probabilities[:, k], SPECIFICITY)}
        for k, name in enumerate(classes)
    }
