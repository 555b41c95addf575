"""Temperature and operating points, fitted on the validation split."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from covid_model.evaluation.scores import threshold_at_specificity
from covid_model.models.calibration import calibrated

SPECIFICITY = 0.95


def fit_temperature(logits: NDArray[np.floating], label: NDArray[np.int64]) -> float:
    """The temperature in [0.05, 20] of least mean log loss (Guo 2017, sec. 4.2). logits: (n, units), label: (n,)."""

    def loss(log_temperature: float) -> float:
        chosen = calibrated(logits, float(np.exp(log_temperature)))[np.arange(len(label)), label]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))


def operating_points(
    probabilities: NDArray[np.floating], label: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """For each class, the probability at which 95 % of the other images are called negative."""
    return {
        name: {"specificity_0.95": threshold_at_specificity(label == k, probabilities[:, k], SPECIFICITY)}
        for k, name in enumerate(classes)
    }
