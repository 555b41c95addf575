"""The trust benchmark: drawings that differ only in what is planted, causal truth, resuming, a summary of known answers."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_benchmark import cells, toy_summary

from covid_model.build.trust_benchmark import measure, run
from covid_model.build.trust_benchmark.causal import Effects
from covid_model.build.trust_benchmark.drawn import Case, draw
from covid_model.build.trust_benchmark.networks import training_cases
from covid_model.build.trust_benchmark.plan import STRENGTHS, Planned, plan
from covid_model.build.trust_benchmark.planted_maps import PLANTED, planted_methods
from covid_model.build.trust_benchmark.run import measured_model, records
from covid_model.build.trust_benchmark.shortcuts import SHORTCUTS
from covid_model.build.trust_benchmark.tables import ANSWERS_FOR, LINES, side_of, word_of
from covid_model.errors import DataError
from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.settings import PACKAGE
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


@pytest.fixture
def summary() -> dict[str, Any]:
    return toy_summary()


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


def test_the_summarys_rule_is_the_rule_of_the_verdict() -> None:
    deciding = [key for key, test in TRUST_TESTS.items() if test.decides and key in LINES]
    passing = dict.fromkeys(deciding, "passed")
    assert word_of(passing) == "supported"
    assert word_of(passing | {deciding[0]: "failed"}) == "not supported"
    assert word_of(dict.fromkeys(deciding, "unclear")) == "withheld"
    for key in (key for key in deciding if TRUST_TESTS[key].required):
        assert word_of(passing | {key: "unclear"}) == "withheld"
    assert word_of(passing | {"region_ablation": "failed"}) == "withheld", "a doubt accuses nobody"
    assert word_of(passing | {"region_ablation": "unclear"}) == "supported", "with a caveat"
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

    def sides(found: dict[str, Any], test: str) -> list[str]:
        images = [image for image in found["images"] if image["group"] == "both"]
        return [side_of(test, image["methods"][DEFAULT_METHOD]["tests"][test]) for image in images]

    def words(found: dict[str, Any]) -> list[str]:
        tests = [image["methods"][DEFAULT_METHOD]["tests"] for image in found["images"] if image["group"] == "both"]
        return [word_of({test: side_of(test, cells) for test, cells in one.items()}) for one in tests]

    assert outcomes(with_marker, "survival") == ["failed"] * measure.BOTH
    edits = [image["edits"] for image in with_marker["images"] if image["group"] == "both"]
    assert [max(found, key=found.__getitem__) for found in edits] == ["marks"] * measure.BOTH
    assert words(with_marker) == ["not supported"] * measure.BOTH
    assert "failed" not in outcomes(clean, "survival")
    assert words(clean).count("not supported") == 0
    assert sides(with_marker, "region_ablation").count("failed") >= 2
    assert len(sides(clean, "region_ablation")) == measure.BOTH
    assert "failed" not in sides(clean, "region_ablation")
    assert "failed" not in outcomes(clean, "randomisation")
