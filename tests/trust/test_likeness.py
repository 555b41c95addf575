"""When an image is unlike those a promise was calibrated on, and the label set that is promised otherwise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toy_models import IMAGE, SIDE, classifier_on, image_with, lung_area, trust_input_of
from toy_promises import COVERAGE, FOUND, conformal

from covid_model.input_check.check import InputCheckResult
from covid_model.trust import likeness as module
from covid_model.trust.label_set import label_set
from covid_model.trust.likeness import FARTHEST, Likeness, broken_on, distance, likeness, unlike
from covid_model.trust.source_probe import SourceProbe


def probe(bias: list[float], features: int = SIDE * SIDE * 2, scale: float = 1.0) -> SourceProbe:
    """A probe that names the source of the largest bias. scale: of the features that it knows."""
    arrays = (np.zeros(features), np.full(features, scale), np.zeros((3, features)), np.array(bias))
    mean, spread, weights, shift = (values.astype(np.float32) for values in arrays)
    return SourceProbe("toy", tuple(COVERAGE), mean, spread, weights, shift, {}, {}, "1" * 64, "", "2026-01-01", "0")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"source": ""}, ""),
        ({"source": "tiny"}, ""),
        ({"source": "failing"}, "like those of images from failing, of which only 60% did"),
        ({"distance": 1.6}, "are unlike those of the images it was calibrated on"),
        ({"distance": None}, "nobody knows whether this image is like those it was calibrated on"),
        ({"refused": "This looks like a CT."}, "this looks like a CT"),
    ],
)
def test_a_promise_holds_for_images_like_those_of_the_calibration(changed: dict[str, Any], why: str) -> None:
    found = unlike(replace(FOUND, **changed), 1.5, COVERAGE, 0.9, "did")
    assert found.endswith(why)
    assert bool(found) == bool(why)
    assert unlike(replace(FOUND, distance=9.0), None, COVERAGE, 0.9, "did") == "", "without a limit no distance is too far"
    assert broken_on(COVERAGE, 0.9) == ("failing",), "five images show nothing"
    assert broken_on(COVERAGE, 0.65) == ()


def test_the_distance_counts_deviations_up_to_a_limit() -> None:
    features = np.array([[0.5, -1.5, 0, 0], [1000, 0, 0, 0]], np.float32)
    assert distance(probe([0, 0, 0], 4), features).tolist() == [0.5, FARTHEST / 4]


def test_the_probe_names_a_source_where_it_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = trust_input_of(classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE)))
    assert likeness(inputs.classifier, inputs.prediction) == Likeness("", None, "")
    monkeypatch.setattr(module, "load_probe", lambda *_: probe([0, 5, 0]))
    assert likeness(inputs.classifier, inputs.prediction).source == "failing"
    monkeypatch.setattr(module, "load_probe", lambda *_: probe([0, 0, 0]))
    refused = replace(inputs.prediction, input_check=InputCheckResult(False, 0.0, "ct"))
    found = likeness(inputs.classifier, refused)
    assert found.source == ""
    assert "slice of a CT" in found.refused


def test_a_label_set_holds_the_classes_up_to_the_limit() -> None:
    prediction = trust_input_of(classifier_on(lung_area(SIDE)), image_with(lung_area(IMAGE))).prediction
    known = replace(prediction, probabilities={"COVID-19": 0.3, "Pneumonia": 0.6, "Normal": 0.1})
    found = label_set(conformal(0.7), known, FOUND, 1.5)
    assert found is not None
    assert found.names == ("Pneumonia", "COVID-19")
    assert found.sentence.startswith("90% set: Pneumonia or COVID-19. Such sets held for 93%")
    nothing, unsure = label_set(conformal(0.3), known, FOUND, 1.5), label_set(conformal(0.7), known, FOUND, 0.5)
    assert nothing is not None and unsure is not None
    assert nothing.sentence.startswith("90% set: no class is likely enough.")
    assert unsure.sentence.startswith("No 90% set: the model's features of this image are unlike those")
    assert label_set({}, known, FOUND, 1.5) is None
    assert label_set(conformal(0.7), replace(known, head="multilabel"), FOUND, 1.5) is None
