"""A model card says what card and report say, under the headings of Mitchell 2019."""

import json
from dataclasses import replace

import pytest

from covid_model.evaluation.stored import SHIPPED, read_report
from covid_model.models.card import Card, read_card
from covid_model.models.specs import MODELS
from covid_model.settings import WEIGHTS
from covid_model.share.checklist import ITEMS, MISSING, NOT_APPLICABLE, REPORTED, Known, rows, score
from covid_model.share.known import known_of
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
    text = markdown_card("Lungs only", sections(Known(card(), report)))
    for heading in HEADINGS:
        assert f"## {heading}" in text
    score = report["splits"]["test"]["scores"]["auc/COVID-19"]
    assert f"| AUC, COVID-19 | {score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f}) |" in text
    assert "not a medical device" in text
    assert card().weights_sha256 in text
    assert all(f"| {name} |" in text for name in report["splits"]["test"]["by_source"])
    assert "Shortcuts:" not in text


def test_what_changed_since_the_model_before_is_said() -> None:
    training = {**card().training, "changes": ["Five sources.", "No spurs."]}
    text = markdown_card("x", sections(Known(replace(card(), training=training))))
    assert "Since the first model of this name: Five sources. No spurs." in text
    without = {name: value for name, value in card().training.items() if name != "changes"}
    assert "of this name" not in markdown_card("x", sections(Known(replace(card(), training=without))))


def test_what_breaks_is_said() -> None:
    report = json.loads(json.dumps(read_report(SHIPPED / "lungs").content))
    next(iter(report["conformal"]["marginal"]["by_source"].values()))["high"] = 0.7
    report["worst"]["slices"][0]["p"] = 0.01
    interval = {"value": 0.9, "low": 0.8, "high": 0.95}
    matrix = {name: {name: interval} for name in ("whole image", "lungs removed")}
    text = markdown_card(
        "x",
        sections(
            Known(
                card(),
                report,
                {
                    "matrix": matrix,
                    "finding": "COVID-19",
                    "without_lungs": "lungs removed",
                    "shortcut_ratio": 0.4,
                    "marker_flips": interval,
                },
            )
        ),
    )
    broken = next(iter(report["conformal"]["marginal"]["by_source"]))
    assert f"broken on {broken}" in text
    assert "(p 0.010, corrected)" in text
    assert "from “lungs removed” 0.90 (0.80 to 0.95)" in text


@pytest.mark.parametrize("make", [markdown_card, html_card])
def test_text_from_outside_stays_text(make) -> None:
    evil = replace(card(), title="<script>x</script>", summary="![a](http://b) | <b>")
    report = read_report(SHIPPED / "lungs").content
    text = make(evil.title, (*sections(Known(evil, report)), Section("x", (), ("a",), (("<i>",),))))
    assert "<script>" not in text
    assert "<b>" not in text
    assert "<i>" not in text
    assert make is html_card or "![a]" not in text


def test_every_item_of_claim_is_in_the_table_once_and_in_order() -> None:
    assert [item.claim for item in ITEMS if item.claim] == [str(number) for number in range(1, 45)]


def test_the_checklist_says_only_what_was_measured() -> None:
    found = {row[0]: row for row in rows(Known(card(), read_report(SHIPPED / "lungs").content)) if row[0]}
    assert found["32"][3] == REPORTED
    assert found["30"][3] == MISSING, "no shortcut audit was given"
    assert found["44"][3] == MISSING
    assert found["27"][3:] == (NOT_APPLICABLE, "Not applicable because one network answers.")


def test_the_score_counts_reported_items_among_those_that_apply() -> None:
    known = Known(card(), read_report(SHIPPED / "lungs").content)
    states = [row[3] for row in rows(known) if row[0]]
    assert score(known) == (states.count(REPORTED), 44 - states.count(NOT_APPLICABLE))
    text = markdown_card("x", sections(known))
    assert f"{score(known)[0]} of the {score(known)[1]} applicable items of CLAIM 2024 are reported" in text


def test_a_model_of_which_little_is_known_has_a_card() -> None:
    bare = replace(card(), training={}, weights_sha256="0" * 64)
    known = known_of(bare)
    assert known.report is None
    assert not known.audit
    text = markdown_card("Mine", sections(known))
    assert "Nothing was measured on test images" in text
    assert "Nothing is known of its training." in text
    assert "## Quantitative" not in text
    assert score(known)[0] < score(known_of(card()))[0]
