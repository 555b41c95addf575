"""The trust benchmark: drawings that differ only in what is planted, causal truth, resuming, a summary of known answers."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from covid_model.build.trust_benchmark import measure, run
from covid_model.build.trust_benchmark.causal import Effects
from covid_model.build.trust_benchmark.drawn import Case, draw
from covid_model.build.trust_benchmark.networks import training_cases
from covid_model.build.trust_benchmark.plan import STRENGTHS, Planned, plan
from covid_model.build.trust_benchmark.planted_maps import PLANTED, planted_methods
from covid_model.build.trust_benchmark.run import measured_model, records
from covid_model.build.trust_benchmark.shortcuts import SHORTCUTS
from covid_model.build.trust_benchmark.summary import summarise
from covid_model.build.trust_benchmark.tables import ANSWERS_FOR, LINES, side_of, word_of
from covid_model.errors import DataError
from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.plots.benchmark import evidence_figure, roc_figure
from covid_model.settings import PACKAGE
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
    verdict_rates,
)
from covid_model.trust.matched_edits import EDITS
from covid_model.trust.trust_tests import TRUST_TESTS

LOCAL = [kind for kind, shortcut in SHORTCUTS.items() if shortcut.local]


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_a_drawing_is_the_same_at_every_call_and_changes_with_its_shortcut(kind: str) -> None:
    with_it, without = (draw(Case(5, kind, opacity=False, shortcut=there)) for there in (True, False))
    assert (draw(with_it.case).pixels == with_it.pixels).all()
    assert with_it.pixels.dtype == np.float32
    assert 0 <= with_it.pixels.min() < with_it.pixels.max() <= 1
    assert np.abs(with_it.pixels - without.pixels).max() > 0.1
    assert (with_it.shortcut is not None) == SHORTCUTS[kind].local
    assert without.shortcut is None
    assert not with_it.opacity.any()


@pytest.mark.parametrize("kind", LOCAL)
def test_a_local_shortcut_changes_nothing_elsewhere(kind: str) -> None:
    with_it, without = (draw(Case(6, kind, opacity=True, shortcut=there)) for there in (True, False))
    assert with_it.shortcut is not None
    change = (with_it.pixels - without.pixels) ** 2
    assert change[with_it.shortcut].sum() > 0.99 * change.sum()


def test_an_opacity_is_in_the_lungs_and_changes_nothing_elsewhere() -> None:
    for seed in range(8):
        with_it, without = (draw(Case(seed, "marker", opacity=there, shortcut=True)) for there in (True, False))
        assert with_it.opacity.any()
        change = np.abs(with_it.pixels - without.pixels)
        assert change[with_it.opacity].mean() > 5 * change[~with_it.opacity].mean()
        assert (with_it.opacity & ~with_it.lungs).mean() < 0.002
        assert (with_it.lungs == without.lungs).all()


def test_a_small_chest_has_small_lungs() -> None:
    small, usual = (draw(Case(7, "small chest", opacity=False, shortcut=there)).lungs.sum() for there in (True, False))
    assert small / usual == pytest.approx(SHORTCUTS["small chest"].scale ** 2, abs=0.03)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_shortcut_predicts_the_label_as_strongly_as_planned(strength: float) -> None:
    cases = training_cases("text", strength, 3, 1000)
    assert sum(case.opacity for case in cases) == 500
    assert np.mean([case.opacity == case.shortcut for case in cases]) == pytest.approx((1 + strength) / 2, abs=0.04)
    assert not {case.seed for case in cases} & {case.seed for case in training_cases("text", strength, 4, 1000)}


def test_use_is_the_mean_effect_of_adding_the_shortcut() -> None:
    probabilities = np.zeros((4, 2, 2))
    probabilities[:, :, 1] = 0.3  # the shortcut alone counts
    found = Effects(probabilities)
    assert (found.shortcut, found.opacity, found.auc, found.use) == (pytest.approx(0.3), 0, 0.5, "used")
    probabilities = np.zeros((4, 2, 2))
    probabilities[:, 1] = 0.8  # the opacity alone counts
    found = Effects(probabilities)
    assert (found.shortcut, found.opacity, found.auc, found.use) == (0, pytest.approx(0.8), 1.0, "not used")
    for effect, use in ((0.15, "between"), (-0.15, "between"), (-0.05, "not used"), (0.25, "used")):
        probabilities = np.full((4, 2, 2), 0.5)
        probabilities[:, :, 1] += effect
        assert Effects(probabilities).use == use


def test_both_halves_have_every_shortcut_strength_and_network() -> None:
    models = plan()
    assert len({planned.name for planned in models}) == len(models)
    for half in "AB":
        own = [planned for planned in models if planned.half == half]
        assert {(planned.kind, planned.strength) for planned in own} == {(k, s) for k in SHORTCUTS for s in STRENGTHS}
        assert {(p.network, round(p.strength)) for p in own if p.strength in (0, 1)} == {
            (network, strength) for network in ("pooled", "flattened", "lite0") for strength in (0, 1)
        }


def test_planted_maps_are_methods_inside_the_block_alone() -> None:
    before = list(METHODS)
    with planted_methods():
        assert list(METHODS) == [*before, *(kind.key for kind in PLANTED)]
    assert list(METHODS) == before


def test_an_interrupted_run_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []

    def stand_in(planned: Planned) -> dict[str, Any]:
        trained.append(planned.name)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return {"name": planned.name, "code": run.settings_digest()}

    monkeypatch.setattr(run, "measured_model", stand_in)
    models = plan()[:4]
    with pytest.raises(KeyboardInterrupt):
        list(records(models, tmp_path))
    found = list(records(models, tmp_path))
    names = [planned.name for planned in models]
    assert [one["name"] for one in found] == names
    assert trained == [*names[:3], *names[2:]]
    monkeypatch.setattr(run, "settings_digest", lambda: "other code")
    list(records(models[:1], tmp_path))
    assert trained[-1] == names[0], "measured by other code, so it is measured again"
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        list(records(models, tmp_path / "file"))


def cells(suspicion: float | None, outcome: str = "passed") -> dict[str, Any]:
    return {"outcome": outcome, "value": suspicion, "suspicion": suspicion}


def record(planned: Planned, use: str, suspicion: dict[str, float]) -> dict[str, Any]:
    """One model whose heatmaps have these suspicions; planted maps are beyond every line."""
    scores = {"hit": 1.0, "energy": 0.5, "auprc": 0.6 if use == "used" else 0.4}
    planted = {kind.key: {test: cells(line + 1) for test, line in LINES.items()} for kind in PLANTED}
    methods = {
        method: {"evidence": {"opacity": scores, "shortcut": scores}, "tests": tests}
        for method, tests in (planted | {DEFAULT_METHOD: {test: cells(value) for test, value in suspicion.items()}}).items()
    }
    edits = {"marks": suspicion["survival"], "tone": suspicion["survival"] - 0.1}
    common = {"number": 1_000_000, "probability": 0.9, "edits": edits, "methods": methods}
    images = [{"group": group, **common} for group in ("both", "alone")]
    effect = 0.9 if use == "used" else 0.0
    known = {"network": planned.network, "kind": planned.kind, "strength": planned.strength, "seed": planned.seed}
    measured = {"shortcut_effect": effect, "opacity_effect": 0.5, "auc": 0.9, "encoded": 1.0, "code": "0"}
    return {**known, "use": use, **measured, "images": images}


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    """Attention and survival know every model that uses its shortcut; stability is noise; the others pass everything.

    The edit that answers most is always "marks", which is right for two of the three shortcuts.
    """
    rng, found = np.random.default_rng(0), []
    for planned in (one for one in plan() if one.kind in ("marker", "text", "tone")):
        use = "used" if planned.strength >= 0.5 else "not used"
        known = 0.2 if use == "used" else -0.2
        suspicion = {"attention": known, "survival": LINES["survival"] + known, "stability": rng.uniform(0, 1)}
        found.append(record(planned, use, {test: line - 0.1 for test, line in LINES.items()} | suspicion))
    return summarise(found)


def test_a_test_that_knows_is_useful_on_both_halves_and_noise_is_not(summary: dict[str, Any]) -> None:
    attention = summary["tests"]["attention"]
    found = attention["shortcut"][DEFAULT_METHOD]["all"]
    assert (found["sensitivity"]["value"], found["false_alarms"]["value"], found["auc"]["value"]) == (1, 0, 1)
    assert all(attention["useful"][half]["shortcut"] for half in "AB")
    assert not any(summary["tests"]["stability"]["useful"][half]["shortcut"] for half in "AB")
    assert not any(summary["tests"]["faithfulness"]["useful"][half]["shortcut"] for half in "AB"), "always the same"
    assert all(summary["tests"]["faithfulness"]["useful"][half]["planted"] for half in "AB")


def test_the_verdict_catches_what_a_deciding_test_knows(summary: dict[str, Any]) -> None:
    found = summary["verdict"]["shortcut"][DEFAULT_METHOD]["all"]
    assert found["used"]["not supported"]["value"] == 1
    for shares in found.values():
        assert sum(cells["value"] for cells in shares.values()) == pytest.approx(1)
    stable = summary["tests"]["stability"]["shortcut"][DEFAULT_METHOD]["all"]["false_alarms"]["value"]
    assert found["not used"]["not supported"]["value"] == stable, "no other test accuses a clean model"
    assert all(cells["value"] == 1 for cells in summary["verdict"]["planted"].values())


def test_the_edit_that_changes_the_answer_is_held_to_the_shortcut(summary: dict[str, Any]) -> None:
    named = {kind: summary["named"][kind]["value"] for kind in ("marker", "text", "tone")}
    assert named == {"marker": 1, "text": 1, "tone": 0}
    assert summary["named"]["all"]["value"] == pytest.approx(2 / 3)
    assert set(ANSWERS_FOR) == set(SHORTCUTS)
    assert {edit for edits in ANSWERS_FOR.values() for edit in edits} == set(EDITS)


def test_lines_of_tests_of_the_map_are_chosen_against_planted_maps(summary: dict[str, Any]) -> None:
    for half in "AB":
        found = summary["lines"]["randomisation"][f"chosen on {half}"]
        assert -0.1 <= found["line"] < 1
        assert (found["sensitivity"]["value"], found["false_alarms"]["value"]) == (1, 0)


def test_records_are_of_the_code_of_the_tests_but_not_of_their_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "trust"
    shutil.copytree(PACKAGE / "trust", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKAGE / "explain", tmp_path / "explain", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(run, "PACKAGE", tmp_path)
    test, before = folder / "trust_tests" / "survival.py", run.settings_digest()
    text = test.read_text("utf-8")
    test.write_text(
        text.replace("ALLOWED: Final = 0.5", "ALLOWED: Final = 0.4").replace("decides = True", "decides = False")
    )
    assert run.settings_digest() == before
    test.write_text(text.replace("LEAST_LOG_ODDS: Final = 1.0", "LEAST_LOG_ODDS: Final = 2.0"))
    assert run.settings_digest() != before


def test_lines_are_chosen_on_one_half_and_reported_on_the_other(summary: dict[str, Any]) -> None:
    for half, other in ("AB", "BA"):
        found = summary["lines"]["attention"][f"chosen on {half}"]
        assert -0.2 <= found["line"] < 0.2
        assert (found["reported on"], found["sensitivity"]["value"], found["false_alarms"]["value"]) == (other, 1, 0)


def test_evidence_is_the_opacity_of_clean_models_and_the_shortcut_of_others(summary: dict[str, Any]) -> None:
    opacity, shortcut = summary["evidence"]["opacity"]["all"], summary["evidence"]["shortcut"]["all"]
    assert opacity[DEFAULT_METHOD]["auprc"]["value"] == pytest.approx(0.4)
    assert shortcut[DEFAULT_METHOD]["auprc"]["value"] == pytest.approx(0.6)
    assert opacity[DEFAULT_METHOD]["better"]["value"] == 0
    assert {"uniform in lungs", "centre Gaussian", "Sobel edges"} <= set(opacity)


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


def test_the_summarys_rule_is_the_rule_of_the_verdict() -> None:
    deciding = [key for key, test in TRUST_TESTS.items() if test.decides and key in LINES]
    passing = dict.fromkeys(deciding, "passed")
    assert word_of(passing) == "supported"
    assert word_of(passing | {deciding[0]: "failed"}) == "not supported"
    assert word_of(dict.fromkeys(deciding, "unclear")) == "withheld"
    for key in (key for key in deciding if TRUST_TESTS[key].required):
        assert word_of(passing | {key: "unclear"}) == "withheld"
    assert side_of("attention", cells(0.01)) == "failed"
    assert side_of("attention", cells(-0.01)) == "passed"
    assert side_of("attention", cells(None)) == "unclear"
    assert side_of("stability", cells(None, "failed")) == "failed", "every small change changed the class"


def test_a_marker_model_is_found_and_a_clean_one_is_not_accused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark itself, at its smallest: two trainings, one method.

    By the tests that told models apart in the whole run, and by the verdict.
    """
    monkeypatch.setattr(measure, "TESTED", (DEFAULT_METHOD,))
    monkeypatch.setattr(measure, "OTHERS", ())
    with_marker, clean = (measured_model(Planned("pooled", "marker", strength, 0)) for strength in (1.0, 0.0))
    assert (with_marker["use"], clean["use"]) == ("used", "not used")
    assert clean["auc"] > 0.8 > with_marker["auc"]

    def outcomes(found: dict[str, Any], test: str) -> list[str]:
        images = [image for image in found["images"] if image["group"] == "both"]
        return [image["methods"][DEFAULT_METHOD]["tests"][test]["outcome"] for image in images]

    def words(found: dict[str, Any]) -> list[str]:
        tests = [image["methods"][DEFAULT_METHOD]["tests"] for image in found["images"] if image["group"] == "both"]
        return [word_of({test: side_of(test, cells) for test, cells in one.items()}) for one in tests]

    assert outcomes(with_marker, "survival") == ["failed"] * measure.BOTH
    edits = [image["edits"] for image in with_marker["images"] if image["group"] == "both"]
    assert [max(found, key=found.__getitem__) for found in edits] == ["marks"] * measure.BOTH
    assert words(with_marker) == ["not supported"] * measure.BOTH
    assert "failed" not in outcomes(clean, "survival")
    assert words(clean).count("not supported") == 0
    assert outcomes(with_marker, "region_ablation").count("failed") >= 2
    assert len(outcomes(clean, "region_ablation")) == measure.BOTH
    assert "failed" not in outcomes(clean, "region_ablation")
    assert "failed" not in outcomes(clean, "randomisation")
