import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from covid_model.evaluation.bootstrap import mean_interval, patient_interval
from covid_model.evaluation.calibrate import fit_temperature, operating_points
from covid_model.evaluation.cases import EqualMassBins
from covid_model.evaluation.scores import (
    auc,
    calibration_error_by_chance,
    dice,
    sensitivity,
    threshold_at_sensitivity,
    threshold_at_specificity,
)
from covid_model.models.calibration import calibrated


def test_auc_of_known_rankings() -> None:
    truth = np.array([False, False, True, True])
    assert auc(truth, np.array([0.1, 0.2, 0.3, 0.4])) == 1
    assert auc(truth, np.array([0.4, 0.3, 0.2, 0.1])) == 0
    assert auc(truth, np.array([0.1, 0.3, 0.2, 0.4])) == 0.75
    assert np.isnan(auc(np.array([True, True]), np.array([0.1, 0.2])))
    rng = np.random.default_rng(0)
    many, ties = rng.random(500) < 0.3, rng.integers(0, 40, 500) / 40
    assert auc(many, ties) == pytest.approx(roc_auc_score(many, ties))


def test_the_threshold_keeps_the_specificity_it_promises() -> None:
    score = np.arange(100) / 100
    truth = np.zeros(100, bool)
    threshold = threshold_at_specificity(truth, score, 0.95)
    assert (score < threshold).mean() == 0.95
    with pytest.raises(ValueError, match="no negative"):
        threshold_at_specificity(~truth, score, 0.95)


def test_the_threshold_keeps_the_sensitivity_it_promises() -> None:
    score = np.arange(100) / 100
    truth = np.ones(100, bool)
    threshold = threshold_at_sensitivity(truth, score, 0.95)
    assert sensitivity(truth, score >= threshold) == 0.95
    assert sensitivity(truth, score > threshold) < 0.95, "no larger threshold has it"
    with pytest.raises(ValueError, match="no positive"):
        threshold_at_sensitivity(~truth, score, 0.95)


def test_sensitivity_without_positives_is_undefined() -> None:
    called = np.array([True, False])
    assert np.isnan(sensitivity(np.array([False, False]), called))
    assert sensitivity(np.array([True, True]), called) == 0.5


def test_a_model_that_keeps_its_promises_measures_what_chance_gives() -> None:
    rng, label, inside = np.random.default_rng(0), np.zeros(160, np.int64), []
    confidence = np.repeat([0.55, 0.7, 0.93, 1.0], 40)
    low, high = calibration_error_by_chance([40] * 4, [0.55, 0.7, 0.93, 1.0])
    for _ in range(400):
        own = np.where(rng.random(160) < confidence, confidence, 1 - confidence)
        bins = EqualMassBins(label, np.column_stack([own, 1 - own]), 4)
        inside.append(low <= float(bins.error(np.ones((1, 160)))[0]) <= high)
    assert 0.92 < np.mean(inside) < 0.99, "a share of 40 has steps, so that the range may hold a little more"
    assert calibration_error_by_chance([40_000], [0.7])[1] < 0.01, "it goes with the number of images"


def test_dice() -> None:
    left, right = np.array([[True, True, False]]), np.array([[False, True, True]])
    assert dice(left, right) == 0.5
    assert dice(~(left | True), ~(left | True)) == 1


def test_temperature_recovers_the_factor_that_logits_were_stretched_by() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 3))
    label = np.array([rng.choice(3, p=p) for p in calibrated(logits, 1.0)])
    assert fit_temperature(logits * 3, label) == pytest.approx(3, rel=0.05)


def test_one_unit_becomes_two_probabilities() -> None:
    assert calibrated(np.array([[0.0], [np.log(3.0)]]), 1.0).tolist() == [[0.5, 0.5], [0.25, pytest.approx(0.75)]]


def test_operating_points_are_there_for_each_class() -> None:
    probabilities = np.linspace(0, 1, 40)[:, None] * np.array([[1.0, -1.0]]) + np.array([[0.0, 1.0]])
    points = operating_points(probabilities, np.arange(40) % 2, ("a", "b"))
    assert points["a"]["specificity_0.95"] == pytest.approx(37 / 39)
    assert points["b"]["specificity_0.95"] == pytest.approx(37 / 39)
    assert points["a"]["sensitivity_0.95"] == pytest.approx(2 / 39), "19 of 20 are at or above it"


def test_the_interval_draws_patients_not_images() -> None:
    values = np.r_[np.zeros(50), np.ones(50)]
    by_image = mean_interval([str(i) for i in range(100)], values)
    by_patient = mean_interval(["a"] * 50 + ["b"] * 50, values)
    assert (by_image.value, by_image.patients) == (0.5, 100)
    assert 0.35 < by_image.low < 0.45
    assert 0.55 < by_image.high < 0.65
    assert (by_patient.low, by_patient.high, by_patient.patients) == (0.0, 1.0, 2)


def test_an_undefined_statistic_is_none_not_nan() -> None:
    interval = patient_interval(["a", "b"], lambda weights: np.full(len(weights), np.nan), draws=10)
    assert (interval.value, interval.low, interval.images) == (None, None, 2)
    assert patient_interval([], lambda weights: weights[:, 0]).value is None
