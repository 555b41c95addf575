"""Conformal regions: a least share known in closed form, and when the promise is withheld."""

from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
from keras import layers
from toy_models import IMAGE, SIDE, FixedLungs, classifier_on, image_with, lung_area, trust_input_of
from toy_promises import FOUND, size_of

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.images.xray_image import XrayImage
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction, predict
from covid_model.trust.region import STEPS, first_pixels, keeps_class, least_share, no_promise, region_mask

CHECKERS = (np.indices((SIDE, SIDE)).sum(axis=0) % 2 * 2 - 1).astype(np.float32)
"""A pattern that a blur wipes out, so that only pixels that are shown count."""


def evidence(parts: dict[int, float], needed: float) -> tuple[Classifier, Prediction, np.ndarray]:
    """A model that adds up checkers in bands of rows: first row of a band of 8 -> weight. COVID-19 above `needed`.

    The map marks the bands in the order of `parts`.
    """
    image = keras.Input((SIDE, SIDE, 1), name="image")
    dense = layers.Dense(3, name="logits")(layers.Flatten(name="flat")(layers.Conv2D(1, 1, name="conv")(image)))
    network = keras.Model(image, dense)
    kernel, heatmap = np.zeros((SIDE, SIDE, 3), np.float32), np.zeros((SIDE, SIDE), np.float32)
    for place, (row, weight) in enumerate(parts.items()):
        kernel[row : row + 8, :, 0] = weight * CHECKERS[row : row + 8] / (8 * SIDE * 0.4)
        heatmap[row : row + 8] = len(parts) - place
    network.get_layer("conv").set_weights([np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)])
    network.get_layer("logits").set_weights([kernel.reshape(-1, 3), np.array([-needed, -9, 0], np.float32)])
    classifier = classifier_on(lung_area(SIDE))
    classifier.engines = TensorFlowBackend(network)
    xray = XrayImage(0.5 + 0.4 * CHECKERS, "0" * 64, "array")
    return classifier, predict(classifier, xray, FixedLungs(lung_area(SIDE)).found), heatmap


@pytest.mark.parametrize("needed", [0.3, 0.55, 0.9])
def test_the_least_share_is_where_enough_evidence_is_shown(needed: float) -> None:
    classifier, prediction, heatmap = evidence({8: 1.0}, needed)
    assert prediction.predicted == "COVID-19"
    share = needed / 4  # the band is a quarter of the image, and its evidence grows evenly
    assert least_share(classifier, prediction, heatmap) == np.ceil(share * STEPS) / STEPS
    below, above = keeps_class(classifier, prediction, heatmap, [share - 0.02, share + 0.02])
    assert (below, above) == (False, True)


def test_the_class_must_be_kept_from_there_on() -> None:
    classifier, prediction, heatmap = evidence({0: 1.0, 8: -1.0, 16: 1.0}, 0.5)
    kept = keeps_class(classifier, prediction, heatmap, [0.25, 0.5, 0.75])
    assert kept == [True, False, True], "the second band speaks against the class"
    assert least_share(classifier, prediction, heatmap) == pytest.approx(0.65)  # half of the third band: 0.625


def test_a_class_that_the_blurred_image_keeps_needs_nothing() -> None:
    classifier, prediction, heatmap = evidence({8: 1.0}, -1.0)
    assert least_share(classifier, prediction, heatmap) == 0.0


def test_equal_values_come_in_the_order_of_their_distance_to_high_ones() -> None:
    heatmap = np.zeros((SIDE, SIDE), np.float32)
    heatmap[12:16, 12:16] = 1.0
    highest = first_pixels(heatmap, (SIDE, SIDE), 16 / SIDE**2)
    assert highest.reshape(SIDE, SIDE).tolist() == (heatmap == 1).tolist()
    wider = first_pixels(heatmap, (SIDE, SIDE), 200 / SIDE**2)
    assert wider.sum() == 200
    rows, cols = np.unravel_index(np.flatnonzero(wider), (SIDE, SIDE))
    assert np.hypot(rows - 13.5, cols - 13.5).max() < 10, "a disc around the peak, not specks all over"


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95, 1.0])
def test_the_first_pixels_are_those_that_a_sort_of_all_would_give(share: float) -> None:
    values = np.random.default_rng(0).random((10, 10)).astype(np.float32)
    for heatmap in (values, np.maximum(values - 0.6, 0), np.zeros_like(values)):
        large = cv2.resize(heatmap, (80, 80), interpolation=cv2.INTER_LINEAR)
        near = cv2.resize(cv2.GaussianBlur(heatmap, (0, 0), 2.5), (80, 80), interpolation=cv2.INTER_LINEAR)
        order = np.lexsort((-near.ravel(), -large.ravel()))
        expected = sorted(order[: round(share * 6400)].tolist())
        assert np.flatnonzero(first_pixels(heatmap, (80, 80), share)).tolist() == expected


def test_a_region_is_as_large_as_promised_where_the_model_sees() -> None:
    inputs = trust_input_of(classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE)))
    mask = region_mask(inputs, 0.2)
    assert mask.shape == (IMAGE, IMAGE)
    assert mask.mean() == pytest.approx(0.2, abs=0.02)
    assert (mask & lung_area(IMAGE)).sum() > 0.9 * mask.sum()
    assert not region_mask(inputs, 0.0).any()


def test_the_promise_is_in_one_sentence_and_names_where_it_fails() -> None:
    assert size_of().sentence == ("90% region: 25% of the image; on test images the class was kept for 93% (90% to 96%).")
    assert "25% of what the model sees" in size_of(region="lungs").sentence


def test_other_heatmaps_and_images_unlike_the_others_get_no_promise() -> None:
    classifier, image = classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE))
    inputs = trust_input_of(classifier, image)
    assert no_promise(inputs, size_of(), FOUND) == ""
    assert "default layer" in no_promise(inputs, size_of(layer="another"), FOUND)
    assert "predicted class" in no_promise(trust_input_of(classifier, image, target="Normal"), size_of(), FOUND)
    failing = no_promise(inputs, size_of(), replace(FOUND, source="failing"))
    assert failing.startswith("No region is promised: ")
    assert "from failing, of which only 60% kept their class." in failing
