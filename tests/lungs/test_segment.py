import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from covid_model import load_model, sample_image
from covid_model.backends.probabilities import sigmoid
from covid_model.errors import ModelError
from covid_model.lungs.segment import CARD, OUTPUTS, LungSegmenter, judged

SHAPE = (200, 200)


def probability(*ellipses: tuple[int, int, int, int], sure: float = 0.99) -> np.ndarray:
    """A probability map with ellipses of (centre x, centre y, half width, half height)."""
    canvas = np.zeros(SHAPE, np.float32)
    for x, y, a, b in ellipses:
        cv2.ellipse(canvas, (x, y), (a, b), 0, 0, 360, sure, -1)
    return canvas


LEFT, RIGHT = (60, 100, 28, 60), (140, 100, 28, 60)


def test_two_lungs_are_good() -> None:
    found = judged(probability(LEFT, RIGHT))
    assert (found.quality, found.reasons) == ("good", ())
    assert found.area == pytest.approx(2 * np.pi * 28 * 60 / 40000, rel=0.03)


def test_specks_are_dropped_and_holes_filled() -> None:
    canvas = probability(LEFT, RIGHT, (10, 10, 3, 3))
    canvas[95:105, 55:65] = 0
    found = judged(canvas)
    assert not found.mask[10, 10]
    assert found.mask[100, 60]


def test_a_thin_spur_is_cut_off_and_the_lung_keeps_its_shape() -> None:
    plain, spurred = probability(LEFT, RIGHT), probability(LEFT, RIGHT)
    spurred[150:154, 60:110] = 0.99
    found = judged(spurred).mask
    assert not found[152, 85:115].any(), "what sticks out is gone"
    assert dice(found, judged(plain).mask) > 0.99
    assert dice(judged(plain).mask, plain > 0.5) > 0.999, "a lung without a spur stays as it was"


def test_the_corners_of_a_lung_are_its_own() -> None:
    canvas = probability(RIGHT)
    corner = np.array([(32, 60), (88, 60), (88, 150), (32, 190)])
    cv2.fillPoly(canvas, [corner], 0.99)
    assert judged(canvas).mask[180, 34], "the corner beside the diaphragm is sharp"


def test_a_lung_that_the_image_cuts_off_stays_whole_at_its_edge() -> None:
    canvas = probability((20, 100, 28, 60), RIGHT)
    found = judged(canvas).mask
    assert found[100, 0] and found[60:140, 0].all()


def test_a_notch_is_filled_and_the_dome_of_the_diaphragm_is_not() -> None:
    """The default sample once had a bite out of its left lung, above the diaphragm."""
    whole = probability(LEFT)
    cv2.rectangle(whole, (112, 40), (168, 160), 0.99, -1)
    cv2.circle(whole, (140, 200), 50, 0.0, -1)
    notched = whole.copy()
    notched[90:100, 100:135] = 0
    found = judged(notched).mask
    assert found[95, 118:135].all(), "what bites into a lung is filled"
    assert dice(found, judged(whole).mask) > 0.99
    assert not judged(whole).mask[155, 140], "the dome stays outside"
    assert dice(judged(whole).mask, whole > 0.5) > 0.99, "a lung without a notch stays nearly as it was"


def test_the_gap_between_lungs_that_touch_is_not_filled() -> None:
    canvas = probability((65, 100, 30, 70), (135, 100, 30, 70))
    canvas[95:105, 60:140] = 0.99
    found = judged(canvas)
    assert found.quality == "good" and found.mask[100, 100]
    assert not found.mask[60, 100] and not found.mask[140, 100]


@pytest.mark.parametrize(
    ("canvas", "quality", "words"),
    [
        (probability(), "failed", "No lungs"),
        (probability((100, 100, 15, 15)), "failed", "too small"),
        (probability((100, 100, 99, 99)), "failed", "no chest X-ray"),
        (probability((60, 100, 40, 80)), "doubtful", "one lung"),
        (probability((60, 100, 40, 80), (150, 100, 12, 15)), "doubtful", "one lung"),
        (probability(LEFT, RIGHT, sure=0.6), "doubtful", "uncertain"),
    ],
)
def test_failures_say_so(canvas: np.ndarray, quality: str, words: str) -> None:
    found = judged(canvas)
    assert found.quality == quality
    assert any(words in reason for reason in found.reasons)


def test_two_touching_lungs_are_not_taken_for_one() -> None:
    assert judged(probability((75, 100, 30, 55), (125, 100, 30, 55))).quality == "good"


def test_missing_weights_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.keras"):
        LungSegmenter.load(tmp_path / "absent.keras")


def test_the_shipped_network_is_small_and_its_card_states_the_held_out_overlap() -> None:
    segmenter, card = LungSegmenter.load(), json.loads(CARD.read_text("utf-8"))
    assert segmenter.network.count_params() == card["parameters"] < 1_000_000
    dice = card["scores"]["dice"]
    assert dice["all"]["value"] >= 0.95
    assert {"PA", "AP"} <= set(dice)


def test_no_lungs_on_noise_and_no_crash_on_odd_shapes() -> None:
    segmenter = LungSegmenter.load()
    noise = np.random.default_rng(0).random((70, 250)).astype(np.float32)
    found = segmenter.find(noise)
    assert found.mask.shape == (70, 250)
    assert found.quality != "good"


@pytest.mark.parametrize("side", [200, 512])
def test_small_images_keep_their_outline_although_they_are_enlarged_as_the_input_check_does(side: int) -> None:
    """The network's input is resized as all model inputs are; the outline once came from `cv2.resize` by area alone."""
    segmenter = LungSegmenter.load()
    image = cv2.resize(sample_image("normal-1").pixels, (side, side), interpolation=cv2.INTER_AREA)
    by_area = cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA)
    outputs = segmenter.run(image)
    before = judged(sigmoid(cv2.resize(segmenter.run(by_area).logits, (side, side), interpolation=cv2.INTER_LINEAR)))
    assert dice(outputs.lungs.mask, before.mask) > (0.99 if side == 200 else 0.999)
    assert outputs.small.shape == outputs.probability.shape == (256, 256)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_check_and_outline_come_from_one_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, ...]] = []
    model = load_model("lungs")
    forward = model.classifier.segmenter.engines.forward
    run = forward.run

    def counted(batch: np.ndarray, outputs: tuple[str, ...]) -> dict[str, np.ndarray]:
        calls.append(outputs)
        return run(batch, outputs)

    monkeypatch.setattr(forward, "run", counted)
    prediction = model.predict(sample_image("normal-1"))
    assert prediction.input_check is not None and prediction.input_check.accepted
    assert prediction.prepared.lungs.quality == "good"
    assert calls == [OUTPUTS]


def test_lungs_are_found_on_adult_and_pediatric_images(real_images: Path) -> None:
    from covid_model.images.read import load_image

    segmenter = LungSegmenter.load()
    for folder in ("NIH-ChestXray14/images", "chest_xray/test/NORMAL"):
        paths = sorted((real_images / folder).iterdir())[:20]
        good = [segmenter.find(load_image(path).pixels).quality == "good" for path in paths]
        assert np.mean(good) >= 0.9
