"""A model without an audit record gets its verdict after one click, and the page shows how often verdicts are right."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from covid_model.audit.referee_results import JUNIOR, findings, referee_results
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.errors import DataError
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.trust.audit_record import load_audit_record
from covid_model.trust.benchmark import benchmark, benchmark_line, default_line
from covid_model.trust.score import TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS
from ui import loaders
from ui.explain.trust_panel import _against
from ui.results import results

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
IMAGE = next(iter(shipped_samples()))
METHOD = "hirescam"
"""Without scores that ship."""


@pytest.fixture(autouse=True)
def no_record(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No model has an audit record; those that earlier tests loaded have read theirs and are loaded anew."""
    monkeypatch.setattr("covid_model.api.model.load_audit_record", lambda *_: {})
    loaders._loaded.clear()
    results.clear()
    yield
    loaders._loaded.clear()
    results.clear()


def until(app: AppTest, text: str) -> str:
    """Run the page until it shows a text; returns all of its Markdown."""
    for _ in range(240):
        assert not app.exception
        shown = " ".join(str(part.value) for part in [*app.markdown, *app.error])
        if text in shown or any(text in button.label for button in app.button):
            return shown
        time.sleep(0.5)
        app.run()
    raise AssertionError(f"{text!r} was not shown; this was: {shown}")


def opened() -> AppTest:
    app = AppTest.from_file(ENTRY, default_timeout=120)
    for name, value in {"image": IMAGE, "model": "lungs", "method": METHOD}.items():
        app.query_params[name] = value
    app.run()
    return app


def test_the_missing_tests_run_after_a_click_and_the_verdict_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def measured(model: Any, method: str, images: list[Any], *, progress: Any) -> dict[str, Any]:
        asked.append((method, len(images)))
        progress(0.5)
        known = load_audit_record("lungs", model.classifier.weights_digest)
        return {"date": "2026-01-01", "methods": {method: known["methods"][method]}}

    monkeypatch.setattr("covid_model.audit.small_record.small_record", measured)
    app = opened()
    assert "no test could give one" in until(app, "Run the missing tests")
    assert not asked
    app.button(key="measure_record").click().run()
    shown = until(app, "that could decide passed.")
    assert "no test could give one" not in shown
    assert asked == [(METHOD, len(shipped_samples()))]
    assert "Run the missing tests" not in [button.label for button in app.button]


def test_a_measurement_that_fails_is_one_sentence_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(*_: Any, **__: Any) -> None:
        raise DataError("Pass lines need 6 images of different patients. Received: 2.")

    monkeypatch.setattr("covid_model.audit.small_record.small_record", measured)
    app = opened()
    until(app, "Run the missing tests")
    app.button(key="measure_record").click().run()
    assert "The pass lines were not measured: Pass lines need 6 images" in until(app, "were not measured")


@pytest.mark.skipif(not benchmark(), reason="this copy has no results of the benchmark")
def test_the_page_says_how_often_verdicts_are_right() -> None:
    app = AppTest.from_file(ENTRY, default_timeout=120)
    app.query_params["image"] = IMAGE
    app.run()
    panel = next(one for one in app.expander if one.label == "How often is this verdict right?")
    assert not panel.get("plotly_chart"), "drawn once it is open"
    app.session_state["benchmark"] = app.session_state["referees"] = True
    app.run()
    assert not app.exception
    panel = next(one for one in app.expander if one.label == "How often is this verdict right?")
    assert len(panel.get("plotly_chart")) == 3
    assert benchmark_line("gradcam") in [text.value for text in panel.markdown]
    assert any(default_line() in text.value for text in panel.markdown)
    for evidence, table in zip(("opacity", "shortcut"), panel.dataframe, strict=True):
        row = table.value.set_index("map").loc["HiResCAM"]
        for half in "AB":
            gap = benchmark()["evidence"][evidence][half]["hirescam"]["better"]
            shown = [f"{round(gap[key], 2) + 0.0:.2f}" for key in ("value", "low", "high")]
            assert row[f"… on half {half}"] == "{} ({} to {})".format(*shown)
        assert {"pointing game", "energy inside", "AUPRC", "AUPRC less Grad-CAM's"} <= set(row.index)
    panel = next(one for one in app.expander if one.label == "Do this model's heatmaps agree with radiologists?")
    lines = findings(DEFAULT_MODEL, referee_results())
    assert len(lines) == 3 and all(line in panel.markdown[0].value for line in lines)
    (table,) = panel.dataframe
    shown = table.value.set_index("map")
    assert {"Grad-CAM", "uniform in lungs", "mean zone scores of other patients", JUNIOR} <= set(shown.index)
    (own,) = (
        one for one in referee_results()["splits"]["test"]["boxes"]["maps"]
        if (one["model"], one["method"]) == (DEFAULT_MODEL, "gradcam")
    )  # fmt: skip
    assert shown.loc["Grad-CAM", "RSNA boxes, AUPRC"].startswith(f"{own['scores']['auprc']['value']:.2f} (")
    assert shown.loc[JUNIOR, "RSNA boxes, AUPRC"] == "not measured"


def test_what_speaks_against_a_heatmap_is_counted_unless_the_verdict_says_it() -> None:
    said = TrustScore("a", 1.0, 0.0, "lower", "against", "No.", caveat="But no.")
    unsaid, good = replace(said, key="b", caveat=""), replace(said, key="c", caveat="", outcome="informational")
    others = [replace(good, key=f"{number}") for number in range(len(TRUST_TESTS) - 3)]
    scores = {score.key: score for score in (said, unsaid, good, *others)}
    assert _against(scores) == " Of the tests below that decide nothing, 1 more speaks against this heatmap."
    assert _against(scores | {"c": replace(good, outcome="against")}).endswith("2 more speak against this heatmap.")
    quiet = replace(said, caveat="", outcome="informational")
    assert _against(scores | {"a": quiet}).endswith("nothing, 1 speaks against this heatmap."), "nothing was said before"
    assert _against({"b": unsaid}) == "", "not all have run"
    assert _against(scores | {"b": good}) == ""
