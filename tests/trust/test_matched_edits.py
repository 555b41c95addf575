"""Matched edits take away one thing each, and the test of survival names the one that an answer rests on."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from toy_models import IMAGE, SIDE, classifier_on, corner, image_with, lung_area, trust_input_of

from covid_model.build.trust_benchmark.drawn import Case, draw
from covid_model.images.xray_image import XrayImage
from covid_model.trust.matched_edits import (
    EDITS,
    USUAL,
    WORKING_SIDE,
    Usual,
    describe,
    edited_logits,
    usual_of,
    working_copy,
)
from covid_model.trust.trust_tests import TRUST_TESTS
from covid_model.trust.trust_tests.survival import ALLOWED, log_odds

LUNGS = lung_area(IMAGE)


def striped_corner() -> np.ndarray:
    """Thin bright stripes in the corner, as letters are."""
    stripes = np.arange(IMAGE) % 8 < 6
    return corner(IMAGE) & stripes[:, None]


@pytest.mark.parametrize(
    ("kind", "edit"), [("marker", "marks"), ("text", "marks"), ("border", "border"), ("device", "lines")]
)
def test_an_edit_takes_its_shortcut_away_and_leaves_the_rest(kind: str, edit: str) -> None:
    with_it, without = (draw(Case(9, kind, opacity=True, shortcut=there)) for there in (True, False))
    assert with_it.shortcut is not None
    edited, lungs = EDITS[edit].apply(with_it.pixels, with_it.lungs, describe(without.pixels, without.lungs))
    before, after = ((pixels - without.pixels) ** 2 for pixels in (with_it.pixels, edited))
    assert after[with_it.shortcut].sum() < 0.3 * before[with_it.shortcut].sum()
    change = np.abs(edited - with_it.pixels)
    assert change[~with_it.shortcut].mean() < 0.006
    assert change[with_it.opacity & ~with_it.shortcut].mean() < 0.002, "the evidence stays"
    assert (lungs == with_it.lungs).all()


@pytest.mark.parametrize("kind", ["tone", "contrast", "small chest"])
def test_an_image_becomes_usual(kind: str) -> None:
    with_it, without = (draw(Case(9, kind, opacity=False, shortcut=there)) for there in (True, False))
    usual = describe(without.pixels, without.lungs)
    before = asdict(describe(with_it.pixels, with_it.lungs))
    tone, contrast, size = (
        asdict(describe(*EDITS[name].apply(with_it.pixels, with_it.lungs, usual))) for name in ("tone", "contrast", "size")
    )
    assert tone["median"] == pytest.approx(usual.median, abs=0.01)
    assert (contrast["median"], contrast["spread"]) == pytest.approx((usual.median, usual.spread), abs=0.05)
    assert size["lungs"] == pytest.approx(usual.lungs, rel=0.03)
    assert before != asdict(usual)


def test_a_usual_image_without_marks_stays_as_it_is() -> None:
    drawing = draw(Case(9, "marker", opacity=True, shortcut=False))
    usual = describe(drawing.pixels, drawing.lungs)
    for name, edit in EDITS.items():
        pixels, lungs = edit.apply(drawing.pixels, drawing.lungs, usual)
        assert pixels.dtype == np.float32, name
        assert pixels.shape == lungs.shape == drawing.pixels.shape, name
        assert np.abs(pixels - drawing.pixels).mean() < 0.006, name
        assert 0 <= pixels.min() <= pixels.max() <= 1, name


@pytest.mark.parametrize(("ribs", "stay"), [(1, False), (6, True)])
def test_bright_ribs_all_over_the_lungs_are_not_taken_for_leads(ribs: int, stay: bool) -> None:
    lungs = np.zeros((200, 200), bool)
    lungs[40:160, 40:160] = True
    pixels = np.full((200, 200), 0.2, np.float32)
    for rib in range(ribs):
        pixels[50 + 16 * rib : 54 + 16 * rib, 40:160] = 0.8
    edited, _ = EDITS["lines"].apply(pixels, lungs, USUAL)
    assert np.array_equal(edited, pixels) == stay
    assert stay or edited.max() < 0.3, "a single lead goes"


def test_edits_change_by_a_factor_of_two_at_most() -> None:
    black = np.zeros((40, 40), np.float32)
    lungs = np.zeros((40, 40), bool)
    lungs[10:30, 10:30] = True
    for edit in EDITS.values():
        pixels, kept = edit.apply(black, lungs, USUAL)
        assert np.isfinite(pixels).all()
        assert kept.any()


def test_the_usual_image_is_the_median_of_several() -> None:
    images = [(np.full((8, 8), value, np.float32), np.eye(8, dtype=bool)) for value in (0.1, 0.5, 0.6)]
    assert usual_of(images) == Usual(0.5, 0.0, 0.125)


def test_large_images_are_edited_at_a_working_size() -> None:
    image = image_with(LUNGS)
    large = XrayImage(np.kron(image.pixels, np.ones((8, 8), np.float32)), "1" * 64, "array")
    found = trust_input_of(classifier_on(lung_area(SIDE)), image).prediction.prepared.lungs
    lungs = replace(found, mask=np.kron(LUNGS, np.ones((8, 8), bool)))
    pixels, mask = working_copy(large, lungs)
    assert pixels.shape == mask.shape == (WORKING_SIDE, WORKING_SIDE)
    classifier = classifier_on(lung_area(SIDE))
    np.testing.assert_allclose(
        edited_logits(classifier, large, lungs)[0], edited_logits(classifier, image, found)[0], atol=1e-3
    )


def test_an_answer_that_rests_on_a_mark_does_not_survive_without_it() -> None:
    inputs = trust_input_of(classifier_on(corner(SIDE)), image_with(striped_corner() | LUNGS))
    score = TRUST_TESTS["survival"].run(inputs)
    known = score.details["probabilities"]
    assert (score.outcome, score.details["worst"]) == ("failed", "marks")
    assert known["as it is"] == pytest.approx(inputs.probability, abs=1e-6)
    start = f"Without the bright marks outside the lungs the COVID-19 score falls from {known['as it is']:.0%} to "
    assert score.finding == f"{start}{known['marks']:.0%}."
    assert score.sentence.endswith(f"{score.value:.0%} of its log-odds are lost, where 50% are allowed.")
    odds = log_odds(np.array([known["as it is"], known["marks"]]))
    assert score.value == pytest.approx((odds[0] - odds[1]) / odds[0])
    assert score.value > ALLOWED


def test_an_answer_that_rests_on_the_lungs_survives_the_same_edits() -> None:
    inputs = trust_input_of(classifier_on(lung_area(SIDE)), image_with(striped_corner() | LUNGS))
    score = TRUST_TESTS["survival"].run(inputs)
    assert score.outcome == "passed"
    assert score.finding == "The answer survives edits that leave the lungs alone."
    assert "% to " in score.sentence or " stays at " in score.sentence
    assert abs(score.details["falls"]["marks"]) < 0.05


def test_log_odds_are_finite() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
