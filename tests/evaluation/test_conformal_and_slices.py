"""Conformal coverage and the search for slices, on simulated images whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from covid_model.evaluation.cases import Cases
from covid_model.evaluation.compare import paired_difference
from covid_model.evaluation.conformal import ConformalSets, coverage_by_chance, limit, set_measures
from covid_model.evaluation.slices import worst_slices


def simulated(rng: np.random.Generator, images: int, *, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 3) of a calibrated model, and labels; `shift` of the labels are replaced at random."""
    probabilities = rng.dirichlet([0.6, 0.6, 0.3], images)
    label = (probabilities.cumsum(axis=1) > rng.random((images, 1))).argmax(axis=1)
    replaced = rng.random(images) < shift
    return probabilities, np.where(replaced, rng.integers(0, 3, images), label)


@pytest.mark.parametrize("kind", ["marginal", "by_class"])
def test_sets_hold_the_true_class_as_often_as_promised(kind: str) -> None:
    rng, coverage = np.random.default_rng(0), []
    for _ in range(100):
        sets = ConformalSets.fit(kind, *simulated(rng, 300))  # type: ignore[arg-type]
        probabilities, label = simulated(rng, 1000)
        covered = set_measures(sets.contain(probabilities), label)["coverage"]
        coverage.append([covered.mean(), *(covered[label == k].mean() for k in range(3))])
    mean = np.mean(coverage, axis=0)
    assert 0.895 < mean[0] < 0.92
    if kind == "by_class":
        assert (mean[1:] > 0.89).all()
    else:
        assert mean[3] < 0.87, "the rare class pays for the others"


def test_exact_sets_cover_by_chance_what_is_said_of_them() -> None:
    rng, inside = np.random.default_rng(1), []
    low, high = coverage_by_chance(60, 80)
    for _ in range(400):
        sets = ConformalSets.fit("marginal", *simulated(rng, 60))
        probabilities, label = simulated(rng, 80)
        inside.append(low <= set_measures(sets.contain(probabilities), label)["coverage"].mean() <= high)
    assert 0.93 < np.mean(inside) < 0.985, "a share of 80 images has steps, so that the range holds a little more"
    assert coverage_by_chance(8, 80) == (1.0, 1.0), "8 images promise all classes"


def test_coverage_breaks_on_images_unlike_the_calibration_and_shows_it() -> None:
    rng = np.random.default_rng(1)
    sets = ConformalSets.fit("marginal", *simulated(rng, 500))
    probabilities, label = simulated(rng, 2000, shift=0.5)
    assert set_measures(sets.contain(probabilities), label)["coverage"].mean() < 0.8


def test_too_few_images_promise_nothing_but_all_classes() -> None:
    assert limit(np.full(8, 0.1), 0.9) == 1.0
    sets = ConformalSets.fit("by_class", np.array([[0.9, 0.1]] * 20), np.zeros(20, int))
    assert sets.limits == (pytest.approx(0.1), 1.0)
    assert sets.contain(np.array([[0.95, 0.05], [0.5, 0.5]])).tolist() == [[True, True], [False, True]]


def table(rng: np.random.Generator, images: int) -> pd.DataFrame:
    return pd.DataFrame({name: rng.choice(list(values), images) for name, values in
                         {"source": "abcd", "view": "xyz", "sex": "MF", "cluster": "12345678"}.items()})  # fmt: skip


def test_a_planted_bad_slice_is_found_first_with_its_examples() -> None:
    rng = np.random.default_rng(0)
    rows = table(rng, 2000)
    bad = ((rows["source"] == "b") & (rows["view"] == "y")).to_numpy()
    wrong = rng.random(2000) < np.where(bad, 0.5, 0.1)
    found = worst_slices(rows, wrong, np.arange(2000) // 2, np.arange(2000).astype(str), draws=500)
    first = found["slices"][0]
    assert first["conditions"] == {"source": "b", "view": "y"}
    assert first["images"] == bad.sum()
    assert first["p"] < 0.01
    assert first["error"]["low"] < 0.5 < first["error"]["high"]
    assert all(wrong[int(digest)] and bad[int(digest)] for digest in first["examples"])


def test_the_search_itself_finds_nothing_where_nothing_is_planted() -> None:
    """Of 40 models that err at random, about 2 may have a slice with p below 0.05, though each has over 80 searched."""
    alarms, uncorrected = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = worst_slices(table(rng, 600), rng.random(600) < 0.2, np.arange(600), np.arange(600).astype(str), draws=300)
        assert found["searched"] > 80
        alarms += found["slices"][0]["p"] < 0.05
        uncorrected += found["slices"][0]["error"]["low"] > found["error"]
    assert alarms <= 6
    assert uncorrected > 20, "without the correction most models would have had a bad slice"


def test_small_slices_are_not_searched() -> None:
    rows = pd.DataFrame({"source": ["a"] * 19 + ["b"] * 81, "view": ["x"] * 100})
    found = worst_slices(rows, np.arange(100) < 30, np.arange(100), np.arange(100).astype(str), draws=50)
    assert [part["conditions"] for part in found["slices"]] in ([], [{"source": "b"}])
    assert found["searched"] == 1


def test_the_paired_difference_is_sharper_than_two_intervals() -> None:
    rng = np.random.default_rng(2)
    label, noise = rng.integers(0, 2, 400), rng.normal(size=400)
    score = [label + noise, label + 1.15 * noise + 0.1 * rng.normal(size=400)]
    both = [
        Cases(("a", "b"), label, np.column_stack([1 - p, p]), np.arange(400)) for p in 1 / (1 + np.exp(-np.array(score)))
    ]
    even = {"a": 0.5, "b": 0.5}
    found = paired_difference(both[0], both[1], (even, even), draws=500)["auc/b"]
    width = {part: interval["high"] - interval["low"] for part, interval in found.items()}
    assert found["difference"]["value"] == pytest.approx(found["first"]["value"] - found["second"]["value"])
    assert width["difference"] < width["first"] / 2
    same = paired_difference(both[0], both[0], (even, even), draws=50)["accuracy"]["difference"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
