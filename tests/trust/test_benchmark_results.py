"""What pages and docs read from the results of the trust benchmark."""

from typing import Any

import pytest
from toy_benchmark import toy_summary

from covid_model.build.trust_benchmark.tables import LINES
from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.plots.benchmark import evidence_figure, roc_figure
from covid_model.trust.benchmark import (
    IGNORING,
    ErrorRates,
    Share,
    benchmark_line,
    better_methods,
    default_line,
    line_of_test,
    planted_caught,
    rates_of_test,
    roc_points,
    short_line,
    supported_anyway,
    verdict_rates,
)
from covid_model.trust.trust_tests import TRUST_TESTS


@pytest.fixture
def summary() -> dict[str, Any]:
    return toy_summary()


def with_gaps(method: str, evidence: str, half_a: tuple[float, float], half_b: tuple[float, float]) -> dict[str, Any]:
    """Results in which the default method finds everything as well as any other, but for one method on one evidence."""
    equal = {"better": {"value": 0.0, "low": -0.1, "high": 0.1}}
    found = {kind: {half: dict.fromkeys(METHODS, equal) for half in "AB"} for kind in ("opacity", "shortcut")}
    for half, (low, high) in zip("AB", (half_a, half_b), strict=True):
        gap = {"better": {"value": (low + high) / 2, "low": low, "high": high}}
        found[evidence][half] = {**found[evidence][half], method: gap}
    return {"default_method": DEFAULT_METHOD, "evidence": found}


def test_the_default_method_follows_where_no_other_is_better_on_both_halves() -> None:
    better, unsure, worse = (0.01, 0.1), (-0.01, 0.1), (-0.2, -0.1)
    beaten = with_gaps("hirescam", "opacity", better, better)
    assert better_methods(beaten) == {"hirescam": "opacity"}
    assert default_line(beaten).startswith("Grad-CAM, the default method, does not follow from this: ")
    assert default_line(beaten).endswith("by the rule HiResCAM finds the opacity better on both halves.")
    for kept in (with_gaps("hirescam", "opacity", better, unsure), with_gaps("eigencam", "opacity", better, better)):
        assert better_methods(kept) == {}
        assert "follows from this: no other method" in default_line(kept)
    beaten["evidence"]["shortcut"]["A"]["hirescam"] = {"better": dict(zip(("low", "high"), worse, strict=True))}
    assert better_methods(beaten) == {}, "it finds the shortcut worse"
    del beaten["evidence"]["opacity"]["B"]["hirescam"], beaten["evidence"]["shortcut"]["A"]["hirescam"]
    assert better_methods(beaten) == {}, "measured on one half alone"
    assert default_line({}) == ""


def test_the_line_for_a_page_is_read_from_the_results(summary: dict[str, Any]) -> None:
    found = rates_of_test("attention", DEFAULT_METHOD, summary)
    assert found is not None
    assert (found.caught.value, found.accused.value) == (1.0, 0.0)
    rates = verdict_rates(DEFAULT_METHOD, summary)
    assert rates is not None
    line = benchmark_line(DEFAULT_METHOD, summary)
    assert rates.caught.text in line and rates.accused.text in line
    assert rates == ErrorRates(Share(**vars(rates.caught)), Share(**vars(rates.accused)))
    assert line.endswith("could not tell the two apart.") == (rates.caught.low <= rates.accused.high)
    short = short_line(DEFAULT_METHOD, summary)
    assert f"caught {rates.caught.value:.0%} " in short and f"accused {rates.accused.value:.0%} " in short
    missed = summary["verdict"]["shortcut"][DEFAULT_METHOD]["all"]["used"]["supported"]["value"]
    assert supported_anyway(DEFAULT_METHOD, summary).value == missed
    assert f"supported {missed:.0%};" in short
    assert short_line(DEFAULT_METHOD, {}) == ""
    line = line_of_test("attention", DEFAULT_METHOD, summary)
    assert found.caught.text in line and found.accused.text in line
    planted = planted_caught("attention", summary)
    assert set(planted) == set(IGNORING)
    assert all(f"{share.text} of {IGNORING[name]}" in line for name, share in planted.items())
    assert line_of_test("agreement", DEFAULT_METHOD, summary) == ""
    assert benchmark_line("no such method", summary) == "" == benchmark_line(DEFAULT_METHOD, {})
    assert verdict_rates(DEFAULT_METHOD, {}) is None is rates_of_test("agreement", DEFAULT_METHOD, summary)


def test_charts_are_drawn_from_the_results(summary: dict[str, Any]) -> None:
    alarms, caught = roc_points("attention", summary)
    assert (alarms[0], caught[0], alarms[-1], caught[-1]) == (0, 0, 1, 1)
    assert 1.0 in [c for a, c in zip(alarms, caught, strict=True) if a == 0], "it knows every model"
    assert roc_points("attention", {}) == ([], [])
    figure = roc_figure(summary)
    assert len(figure.data) == len(LINES) + 1
    assert "(1.00)" in next(line.name for line in figure.data if TRUST_TESTS["attention"].question in line.name)
    bars = evidence_figure(summary, "opacity").data[0]
    shown = dict(zip(bars.y, bars.x, strict=True))
    assert shown[METHODS[DEFAULT_METHOD].label] == pytest.approx(0.4)
    assert "uniform in lungs" in shown
