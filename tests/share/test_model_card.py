"""A model card says what card and report say, under the headings of Mitchell 2019."""

import json
from dataclasses import replace

import pytest

from covid_model.evaluation.stored import SHIPPED, read_report
from covid_model.models.card import Card, read_card
from covid_model.models.specs import MODELS
from covid_model.settings import WEIGHTS
from covid_model.share.model_card import Section, html_card, markdown_card, sections

HEADINGS = (
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Caveats and recommendations",
)


def card() -> Card:
    return read_card(WEIGHTS / MODELS["lungs"].card_name)


def test_numbers_are_those_of_the_report() -> None:
    report = read_report(SHIPPED / "lungs").content
    text = markdown_card("Lungs only", sections(card(), report))
    for heading in HEADINGS:
        assert f"## {heading}" in text
    score = report["splits"]["test"]["scores"]["auc/COVID-19"]
    assert f"| AUC, COVID-19 | {score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f}) |" in text
    assert "not a medical device" in text
    assert card().weights_sha256 in text
    assert all(f"| {name} |" in text for name in report["splits"]["test"]["by_source"])
    assert "Shortcuts:" not in text


def test_what_breaks_is_said() -> None:
    report = json.loads(json.dumps(read_report(SHIPPED / "lungs").content))
    next(iter(report["conformal"]["marginal"]["by_source"].values()))["high"] = 0.7
    report["worst"]["slices"][0]["p"] = 0.01
    interval = {"value": 0.9, "low": 0.8, "high": 0.95}
    matrix = {name: {name: interval} for name in ("whole image", "lungs removed")}
    text = markdown_card("x", sections(card(), report, {"matrix": matrix, "finding": "COVID-19"}))
    broken = next(iter(report["conformal"]["marginal"]["by_source"]))
    assert f"broken on {broken}" in text
    assert "(p 0.010, corrected)" in text
    assert "with the lungs removed 0.90 (0.80 to 0.95)" in text


@pytest.mark.parametrize("make", [markdown_card, html_card])
def test_text_from_outside_stays_text(make) -> None:
    evil = replace(card(), title="<script>x</script>", summary="![a](http://b) | <b>")
    report = read_report(SHIPPED / "lungs").content
    text = make(evil.title, (*sections(evil, report), Section("x", (), ("a",), (("<i>",),))))
    assert "<script>" not in text
    assert "<b>" not in text
    assert "<i>" not in text
    assert make is html_card or "![a]" not in text
