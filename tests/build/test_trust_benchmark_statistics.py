"""Rates, areas and lines of the trust benchmark: closed forms, and intervals that cover the truth in simulations."""

from statistics import NormalDist

import numpy as np
import pytest

from covid_model.build.trust_benchmark import statistics
from covid_model.build.trust_benchmark.statistics import best_line, difference, rate, separation


def test_a_rate_without_variation_has_the_exact_binomial_interval() -> None:
    none, every = rate(np.zeros(12)), rate(np.ones(12))
    assert (none.value, none.low, every.value, every.high) == (0.0, 0.0, 1.0, 1.0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 12))
    assert every.low == pytest.approx(0.025 ** (1 / 12))


def test_the_interval_of_a_rate_is_that_of_a_mean_over_models() -> None:
    values = np.random.default_rng(0).uniform(0, 1, 200)
    found = rate(values)
    half = 1.96 * values.std() / np.sqrt(200)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.01)
    assert found.high == pytest.approx(values.mean() + half, abs=0.01)


def test_models_without_a_value_do_not_count_and_one_model_has_no_interval() -> None:
    assert rate(np.array([np.nan, 0.5, 0.5])).models == 2
    assert rate(np.array([np.nan])).value is None
    alone = rate(np.array([0.5]))
    assert (alone.value, alone.low, alone.high) == (0.5, None, None)


def test_the_difference_is_paired() -> None:
    base = np.random.default_rng(1).normal(0, 10, 40)
    found = difference(base + 0.1, base)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1) == found.high


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    assert separation(np.array([3.0, 1.0]), np.array([2.0, 0.0])).value == 0.75
    assert separation(np.array([1.0, 1.0]), np.array([1.0, 1.0])).value == 0.5
    apart = separation(np.arange(10.0) + 20, np.arange(15.0))
    assert (apart.value, apart.high) == (1.0, 1.0)
    assert apart.low == pytest.approx(0.025 ** (1 / 10)), "of ten models none is on the wrong side"
    assert separation(np.array([1.0]), np.arange(5.0)).value is None


def test_the_best_line_is_in_the_middle_of_the_best_candidates() -> None:
    assert best_line(lambda line: float(1 <= line <= 3), [0.0, 1.0, 2.0, 3.0, 4.0]) == 2.0
    assert best_line(lambda line: float(line in (1, 3)), [0.0, 1.0, 2.0, 3.0]) == 1.0


@pytest.fixture
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "DRAWS", 400)


@pytest.mark.usefixtures("fewer_draws")
def test_intervals_of_rates_cover_the_truth() -> None:
    """Three images a model that share its own rate: intervals by image would be too narrow, those by model are not."""
    rng, covered = np.random.default_rng(2), []
    for _ in range(300):
        own = rng.beta(1, 1, 30)
        found = rate(rng.binomial(3, own) / 3)
        covered.append(found.low <= 0.5 <= found.high)
    assert 0.90 <= np.mean(covered) <= 0.99


@pytest.mark.usefixtures("fewer_draws")
def test_intervals_of_areas_cover_the_truth() -> None:
    rng, covered = np.random.default_rng(3), []
    truth = NormalDist().cdf(1 / np.sqrt(2))
    for _ in range(200):
        found = separation(rng.normal(1, 1, 25), rng.normal(0, 1, 25))
        covered.append(found.low <= truth <= found.high)
    assert 0.89 <= np.mean(covered) <= 0.99


@pytest.mark.usefixtures("fewer_draws")
def test_a_worthless_test_seldom_looks_useful_on_both_halves() -> None:
    rng = np.random.default_rng(4)

    def above() -> bool:
        return separation(rng.normal(0, 1, 15), rng.normal(0, 1, 15)).low > 0.5

    assert np.mean([above() and above() for _ in range(150)]) <= 0.02
