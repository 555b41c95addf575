"""The input check: by hand on made-up numbers, the shipped one on images, altered images and what else people upload."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from covid_model.build.drawings import draw_nothing
from covid_model.build.fit_input_check import PictureFeatures, fit_input_check, refusals, write_input_check
from covid_model.build.negatives import NEGATIVES, Negative, cropped
from covid_model.data.synthetic_samples import SyntheticSample, shipped_samples
from covid_model.errors import ImageError
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.images.read import load_image
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import (
    CARD,
    FRONTAL,
    REASONS,
    InputCheck,
    check_image,
    read_input_check,
    require_frontal,
    shipped_input_check,
)
from covid_model.input_check.features import SPECTRUM, _magnitudes, measure, moire
from covid_model.lungs.segment import LungSegmenter

Pixels = NDArray[np.float32]


@pytest.fixture(scope="module")
def segmenter() -> LungSegmenter:
    return LungSegmenter.load()


def image(pixels: Pixels, view: str | None = None) -> XrayImage:
    return XrayImage(pixels, "0" * 64, "png", view=view)


def phantom() -> Pixels:
    return draw_phantom(PHANTOMS["hazy"]).astype(np.float32) / np.float32(255)


def test_probabilities_and_threshold_by_hand() -> None:
    """Two measures, three columns, two of which share a kind: softmax of (2, 1, 1) shifted by nothing."""
    check = InputCheck(
        (FRONTAL, "turned", "turned"),
        np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0]]),
        np.zeros(3),
        centre=np.zeros(2),
        spread=np.ones(2),
        threshold=0.5,
    )
    found = check.probabilities(np.array([1.0, 1.0], np.float32))
    frontal = np.e**2 / (np.e**2 + 2 * np.e)
    assert found[FRONTAL] == pytest.approx(frontal)
    assert found["turned"] == pytest.approx(1 - frontal)
    assert check.rule(np.array([1.0, 1.0], np.float32)).accepted
    refused = check.rule(np.array([0.0, 1.0], np.float32))
    assert (refused.accepted, refused.kind, refused.reason) == (False, "turned", REASONS["turned"])


def planted(rng: np.random.Generator, count: int) -> PictureFeatures:
    """Frontal images at +2 on the first measure, turned ones at -2, inverted ones at +2 on the second."""
    names = np.array([FRONTAL, "upside down", "inverted"] * count)
    kinds = np.array([FRONTAL, "turned", "inverted"] * count)
    middle = np.array([[2, 0], [-2, 0], [0, 3]] * count)
    x = np.asarray(middle + rng.normal(0, 0.3, middle.shape), np.float32)
    patients = np.array([f"p{i}" for i in range(3 * count)])
    return PictureFeatures(x, names, kinds, np.array(["a", "b"] * 3 * count)[: 3 * count], patients)


def test_a_fitted_gate_tells_planted_kinds_apart_and_survives_writing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    check = fit_input_check(planted(rng, 60), planted(rng, 20))
    write_input_check(check, tmp_path / "input_check.npz")
    again = read_input_check(tmp_path / "input_check.npz")
    scores = refusals(again, planted(rng, 50))
    assert scores["upside down"]["value"] == scores["inverted"]["value"] == 1.0
    assert scores[f"{FRONTAL}/a"]["value"] == scores[f"{FRONTAL}/b"]["value"] == 0.0
    assert scores["inverted"]["pictures"] == 50


@pytest.mark.parametrize("negative", NEGATIVES, ids=lambda negative: negative.name)
def test_what_is_made_of_an_image_is_refused_for_what_it_is(negative: Negative, segmenter: LungSegmenter) -> None:
    pixels = load_image(next(iter(shipped_samples().values())).path).pixels
    mask = segmenter.find(pixels).mask
    made = [negative.make(pixels, mask, np.random.default_rng(seed)) for seed in range(4)]
    input_checks = [shipped_input_check().rule(measure(segmenter.run(picture))) for picture in made]
    assert sum(not input_check.accepted for input_check in input_checks) >= 3
    assert sum(input_check.kind == negative.kind for input_check in input_checks) >= 3


@pytest.mark.parametrize("sample", shipped_samples().values(), ids=lambda sample: sample.name)
def test_the_shipped_samples_are_let_through(sample: SyntheticSample, segmenter: LungSegmenter) -> None:
    image = load_image(sample.path)
    assert check_image(image, segmenter.run(image.pixels)).accepted


def test_onnx_runtime_and_tensorflow_measure_the_same(segmenter: LungSegmenter) -> None:
    by_tensorflow = LungSegmenter(segmenter.engines.gradients)
    for sample in shipped_samples().values():
        pixels = load_image(sample.path).pixels
        one, other = measure(segmenter.run(pixels)), measure(by_tensorflow.run(pixels))
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)
        results = [shipped_input_check().rule(features) for features in (one, other)]
        assert results[0].frontal == pytest.approx(results[1].frontal, abs=1e-4)
        assert results[0].kind == results[1].kind


def test_photographs_are_refused(segmenter: LungSegmenter) -> None:
    for picture in load_sample_images().images:
        grey = np.ascontiguousarray(picture.mean(axis=2) / 255, np.float32)
        assert not shipped_input_check().rule(measure(segmenter.run(grey))).accepted


def test_a_file_that_says_lateral_is_believed(segmenter: LungSegmenter) -> None:
    lateral = image(phantom(), "LATERAL")
    assert check_image(lateral, segmenter.run(lateral.pixels)).kind == "lateral"


def test_refused_images_need_a_deliberate_word(segmenter: LungSegmenter) -> None:
    nothing = image(draw_nothing(np.random.default_rng(0)))
    outputs = segmenter.run(nothing.pixels)
    with pytest.raises(ImageError, match=r"does not look like a chest X-ray.*--force"):
        require_frontal(nothing, outputs, force=False)
    assert not require_frontal(nothing, outputs, force=True).accepted
    assert require_frontal(image(phantom()), segmenter.run(phantom()), force=False).accepted


def test_a_cropped_image_shows_less_of_the_lungs() -> None:
    mask = np.zeros((200, 200), bool)
    mask[50:150, 40:90] = mask[50:150, 110:160] = True
    marked = mask.astype(np.float32)
    for seed in range(20):
        shown = cropped(marked, mask, np.random.default_rng(seed)).sum() / mask.sum()
        assert shown < 0.6


def test_the_card_holds_the_bars_kind_by_kind() -> None:
    scores = json.loads(CARD.read_text("utf-8"))["scores"]
    frontal = {name: score for name, score in scores.items() if name.startswith(f"{FRONTAL}/")}
    assert len(frontal) == 4
    assert all(score["value"] <= 0.05 for score in frontal.values())
    assert all(score["value"] >= 0.95 for name, score in scores.items() if name not in frontal)
    assert {negative.name for negative in NEGATIVES} | {"lateral"} == scores.keys() - frontal.keys()


@pytest.mark.parametrize("size", [4, 8, SPECTRUM])
def test_opencvs_packed_spectrum_is_numpys(size: int) -> None:
    values = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    expected = np.abs(np.fft.rfft2(values.astype(np.float64)))
    np.testing.assert_allclose(_magnitudes(values), expected, atol=1e-5 * expected.max())


@pytest.mark.parametrize("axis", [0, 1])
def test_a_fine_wave_stands_out_in_whatever_direction(axis: int) -> None:
    noise = np.random.default_rng(0).normal(size=(SPECTRUM, SPECTRUM)).astype(np.float32)
    wave = np.expand_dims(np.sin(2 * np.pi * 100 / SPECTRUM * np.arange(SPECTRUM)), 1 - axis).astype(np.float32)
    assert moire(noise + wave) > moire(noise) + 2
