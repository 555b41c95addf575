"""Every score of a report against scikit-learn, weighted as a bootstrap draw weights it, and against closed forms."""

import numpy as np
import pytest
from sklearn import metrics

from covid_model.evaluation.bootstrap import centred, resample
from covid_model.evaluation.cases import (
    ANSWERED,
    BIASED,
    GRID,
    Cases,
    EqualMassBins,
    all_curves,
    all_scores,
    balanced_accuracy,
)
from covid_model.evaluation.ranked import Ranked
from covid_model.evaluation.scores import at_prevalence, net_benefit

CLASSES = ("COVID-19", "Pneumonia", "Normal")
POINT = 0.4


@pytest.fixture
def cases() -> Cases:
    """300 images of 150 patients, with many tied probabilities."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], 300).round(1) + 0.01
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    label = np.array([rng.choice(3, p=row) for row in probabilities])
    return Cases(CLASSES, label, probabilities, rng.integers(0, 150, 300))


@pytest.fixture
def weights() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 4, (2, 300)).astype(float)


def test_every_score_is_that_of_scikit_learn_for_each_draw(cases: Cases, weights: np.ndarray) -> None:
    found = all_scores(cases, dict.fromkeys(CLASSES, POINT))(weights)
    for draw, weight in enumerate(weights):
        known = {
            "accuracy": metrics.accuracy_score(cases.label, cases.predicted, sample_weight=weight),
            "balanced_accuracy": metrics.balanced_accuracy_score(cases.label, cases.predicted, sample_weight=weight),
            "log_loss": metrics.log_loss(cases.label, cases.probabilities, sample_weight=weight),
        }
        parts = []
        for k, name in enumerate(CLASSES):
            truth, score = cases.label == k, cases.probabilities[:, k]
            called = score >= POINT
            parts.append(metrics.brier_score_loss(truth, score, sample_weight=weight))
            known |= {
                f"auc/{name}": metrics.roc_auc_score(truth, score, sample_weight=weight),
                f"auprc/{name}": metrics.average_precision_score(truth, score, sample_weight=weight),
                f"sensitivity/{name}": metrics.recall_score(truth, called, sample_weight=weight),
                f"specificity/{name}": metrics.recall_score(~truth, ~called, sample_weight=weight),
                f"ppv/{name}": metrics.precision_score(truth, called, sample_weight=weight),
                f"npv/{name}": metrics.precision_score(~truth, ~called, sample_weight=weight),
            }
        known["brier"] = sum(parts)
        known["auc/macro"] = np.mean([known[f"auc/{name}"] for name in CLASSES])
        known["auprc/macro"] = np.mean([known[f"auprc/{name}"] for name in CLASSES])
        assert set(found) == {*known, "ece"}
        for name, value in known.items():
            assert found[name][draw] == pytest.approx(value, abs=1e-12), name


def test_a_draw_is_the_score_of_the_images_it_repeats(cases: Cases, weights: np.ndarray) -> None:
    repeated = cases.where(np.ones(300, bool))
    rows = np.repeat(np.arange(300), weights[0].astype(int))
    repeated = Cases(CLASSES, cases.label[rows], cases.probabilities[rows], cases.patients[rows])
    once = all_scores(repeated, dict.fromkeys(CLASSES, POINT))(np.ones((1, len(rows))))
    drawn = all_scores(cases, dict.fromkeys(CLASSES, POINT))(weights[:1])
    for name in drawn.keys() - {"ece"}:  # the bins are those of the images themselves
        assert drawn[name] == pytest.approx(once[name]), name


@pytest.mark.parametrize("truth", [[True] * 4, [False] * 4])
def test_one_class_alone_has_neither_ranking_nor_rates(truth: list[bool]) -> None:
    ranking = Ranked(np.array(truth), np.array([0.1, 0.2, 0.2, 0.3])).under(np.ones((1, 4)))
    with np.errstate(all="ignore"):
        assert np.isnan(ranking.auc()[0])
    found, needless = ranking.called(np.array([0.0, 0.2, 0.9]))
    assert (found if truth[0] else needless).tolist() == [[4, 3, 0]]
    cases = Cases(("a", "b"), np.zeros(4, int), np.tile([0.6, 0.4], (4, 1)), np.arange(4))
    scores = resample(cases.patients, all_scores(cases, {"a": 0.5, "b": 0.5}), draws=20).intervals()
    assert scores["auc/a"].value is None
    assert scores["specificity/a"].value is None
    assert (scores["sensitivity/a"].value, scores["sensitivity/a"].low) == (1.0, 1.0)


def test_a_share_of_all_or_none_has_the_exact_interval_of_the_patients_it_is_a_share_of() -> None:
    """Four normal images of two patients, none called normal, once had a sensitivity of 0 [0, 0]."""
    label, patients = np.array([0] * 4 + [1] * 6), np.array(["a", "a", "b", "b", *"cdefgh"])
    cases = Cases(("Normal", "COVID-19"), label, np.tile([0.4, 0.6], (10, 1)), patients)
    called = {"Normal": 0.5, "COVID-19": 0.5}
    found = resample(patients, all_scores(cases, called), draws=50).intervals(cases.behind(called))
    two, six, eight = (1 - 0.025 ** (1 / n) for n in (2, 6, 8))  # Clopper and Pearson 1934, for 0 of n
    known = {
        "sensitivity/Normal": (0, two),
        "specificity/Normal": (1 - six, 1),
        "npv/Normal": None,
        "sensitivity/COVID-19": (1 - six, 1),
        "specificity/COVID-19": (0, two),
        "ppv/COVID-19": None,
        "accuracy": None,
    }
    for name, ends in known.items():
        if ends:
            assert (found[name].low, found[name].high) == pytest.approx(ends), name
        else:
            assert 0 < found[name].value < 1, name
    wrong = Cases(cases.classes, np.zeros(10, int), cases.probabilities, patients)
    drawn = resample(patients, all_scores(wrong, called), draws=50)
    assert drawn.intervals(wrong.behind(called))["accuracy"].high == pytest.approx(eight)
    assert drawn.intervals()["accuracy"].high == 0
    assert drawn.intervals(wrong.behind(called))["brier"] == drawn.intervals()["brier"], "what is no share stays as it is"


def test_balanced_accuracy_averages_over_the_classes_present() -> None:
    score = balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 2]))
    assert score(np.array([[1.0, 1, 1, 1], [1, 1, 1, 0]])).tolist() == [0.5, 1.0]


def test_ece_of_a_model_that_is_half_right_at_certainty() -> None:
    sure, ones = np.array([[1.0, 0.0]] * 10), np.ones((1, 10))
    assert EqualMassBins(np.array([0, 1] * 5), sure, bins=1).error(ones)[0] == pytest.approx(0.5)
    assert EqualMassBins(np.zeros(10, int), sure).error(ones)[0] == 0


def test_the_interval_of_the_calibration_error_holds_it_and_covers_what_so_many_images_give() -> None:
    """Answers that promise a tenth too much; the percentiles of the draws alone would lie too high."""
    rng, images, found = np.random.default_rng(0), 150, []
    for seed in range(120):
        top = rng.uniform(0.6, 1, images)
        label = (rng.random(images) > top - 0.1).astype(int)
        cases = Cases(("a", "b"), label, np.column_stack([top, 1 - top]), np.arange(images))
        scores = all_scores(cases, {"a": 0.5, "b": 0.5})
        found.append(resample(cases.patients, scores, draws=200, seed=seed, biased=BIASED).intervals()["ece"])
    assert all(one.low <= one.value <= one.high for one in found)
    truth = np.mean([one.value for one in found])
    assert np.mean([one.low <= truth <= one.high for one in found]) > 0.9
    np.testing.assert_allclose(centred(np.array([0.2, 0.4]), np.array([0.1])), [0.0, 0.2])
    np.testing.assert_allclose(centred(np.array([-0.2, 0.4]), np.array([0.0])), [-0.2, 0.3])


def test_ece_bins_hold_equally_many_images() -> None:
    top = np.linspace(0.5, 1, 12)
    bins = EqualMassBins(np.zeros(12, int), np.column_stack([top, 1 - top]), bins=4)
    assert bins.summed(np.ones((1, 12))).tolist() == [[3, 3, 3, 3]]
    assert bins.error(np.ones((1, 12)))[0] == pytest.approx(1 - top.mean())


def test_multilabel_losses_sum_over_the_classes() -> None:
    cases = Cases(("a", "b"), np.array([0, 1]), np.array([[0.8, 0.4], [0.4, 0.8]]), np.arange(2), head="multilabel")
    found = all_scores(cases, {"a": 0.5, "b": 0.5})(np.ones((1, 2)))
    assert found["log_loss"][0] == pytest.approx(-np.log(0.8) - np.log(0.6))
    assert found["brier"][0] == pytest.approx(0.04 + 0.16)
    assert cases.thresholds({}, "x") == {"a": 0.5, "b": 0.5}


def test_curves_agree_with_rates_at_each_threshold(cases: Cases, weights: np.ndarray) -> None:
    found = all_curves(cases, {"COVID-19": {"x": POINT, "y": 0.7}})(weights)
    truth, score, weight = cases.label == 0, cases.probabilities[:, 0], weights[1]
    for place in (0, 20, 55):
        called = score >= GRID[place]
        sensitivity = metrics.recall_score(truth, called, sample_weight=weight)
        specificity = metrics.recall_score(~truth, ~called, sample_weight=weight)
        share = weight[truth].sum() / weight.sum()
        assert found["threshold/COVID-19/sensitivity"][1, place] == pytest.approx(sensitivity)
        assert found["threshold/COVID-19/specificity"][1, place] == pytest.approx(specificity)
        benefit = (
            weight[truth & called].sum() - weight[~truth & called].sum() * GRID[place] / (1 - GRID[place])
        ) / weight.sum()
        assert found["threshold/COVID-19/net_benefit"][1, place] == pytest.approx(benefit)
        even = found["threshold/COVID-19/ppv_even"][1, place]
        precision = metrics.precision_score(truth, called, sample_weight=weight)
        assert at_prevalence(even, share) == pytest.approx(precision), "the images' own prevalence gives their own PPV"
        if place:
            even = found["threshold/COVID-19/npv_even"][1, place]
            cleared = metrics.precision_score(~truth, ~called, sample_weight=weight)
            assert at_prevalence(even, 1 - share) == pytest.approx(cleared)
    assert found["point/COVID-19/sensitivity"][1, 0] == pytest.approx(
        metrics.recall_score(truth, score >= POINT, sample_weight=weight)
    )
    assert "point/Normal/ppv" not in found


def test_treating_everybody_has_the_benefit_of_the_textbook() -> None:
    assert net_benefit(1.0, 0.0, 0.3, 0.2) == pytest.approx(0.3 - 0.7 * 0.25)
    assert net_benefit(0.0, 1.0, 0.3, 0.2) == 0


def test_abstaining_from_uncertain_images_leaves_the_right_ones() -> None:
    top = np.linspace(0.99, 0.5, 100)
    label = np.r_[np.zeros(50, int), np.ones(50, int)]  # right while it is sure
    cases = Cases(("a", "b"), label, np.column_stack([top, 1 - top]), np.arange(100))
    accuracy = all_curves(cases, {})(np.ones((1, 100)))["abstention"][0]
    np.testing.assert_allclose(accuracy, np.minimum(1, 0.5 / ANSWERED))


def test_patient_intervals_cover_a_known_auc_in_95_of_100_studies() -> None:
    """Two images a patient, scores normal with distance 1: AUC = Phi(1 / sqrt 2) = 0.7602."""
    rng, hits, studies = np.random.default_rng(5), 0, 200
    for _ in range(studies):
        truth = rng.random(60) < 0.5
        of_patient = truth + 0.8 * rng.normal(size=60)
        score = (of_patient[:, None] + 0.6 * rng.normal(size=(60, 2))).ravel()
        ranked = Ranked(truth.repeat(2), score)
        found = resample(np.arange(60).repeat(2), lambda w, r=ranked: {"auc": r.under(w).auc()}, draws=300).intervals()[
            "auc"
        ]
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.76025 <= found.high
    assert 0.90 <= hits / studies <= 0.985
