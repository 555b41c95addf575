"""What is promised of one image: a label set, and a region of the heatmap for the viewer; each in one sentence."""

from datetime import timedelta
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.api.result import Result
from covid_model.errors import DataError
from covid_model.evaluation.stored import find_reports, read_report
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.trust.label_set import label_set
from covid_model.trust.likeness import Likeness, likeness
from covid_model.trust.region import keeps_class, load_regions, no_promise, region_mask
from ui.inert import inert
from ui.results import results


def image_likeness(classifier: Classifier, prediction: Prediction) -> Likeness:
    """Is the image like those of the calibration? Cached by model and image."""
    key = ("likeness", classifier.weights_digest, prediction.image_digest)
    return results().get_or_make(key, lambda: likeness(classifier, prediction))


def label_set_line(classifier: Classifier, prediction: Prediction) -> None:
    """The model's label set for the image, or why none is promised; nothing without a report of these weights."""
    conformal = _conformal(classifier.key, classifier.weights_digest)
    typical = next((size.typical for size in load_regions(classifier.key, classifier.weights_digest).values()), None)
    if found := label_set(conformal, prediction, image_likeness(classifier, prediction), typical):
        st.markdown(inert(found.sentence))


@st.cache_data(max_entries=32, ttl=timedelta(minutes=10), show_spinner=False)
def _conformal(model: str, digest: str) -> dict[str, Any]:
    """The conformal part of the model's report; empty where there is no report of these weights."""
    folder = find_reports().get(model)
    try:
        content = read_report(folder).content if folder else {}
    except DataError:
        return {}
    return content["conformal"] if content.get("weights_sha256") == digest else {}


Region = tuple[NDArray[np.bool_] | None, str]


def promised_region(result: Result) -> Region:
    """The region (H, W) and its sentence; no region where none is promised, and no sentence where none was calibrated.

    Cached by model, image, and what the heatmap shows.
    """
    found = result.explanation
    made_from = (found.model_digest, found.image_digest, found.method, found.target, found.layer, *found.options.items())
    return results().get_or_make(("region", made_from), lambda: _promised(result))


def _promised(result: Result) -> Region:
    inputs, found = result.inputs, result.explanation
    size = load_regions(found.model, found.model_digest).get(found.method)
    if size is None:
        return None, ""
    if why := no_promise(inputs, size, image_likeness(inputs.classifier, inputs.prediction)):
        return None, why
    if size.share == 0:
        return None, f"{size.sentence} The blurred image alone keeps it, so there is nothing to outline."
    (kept,) = keeps_class(inputs.classifier, inputs.prediction, found.layer_map, [size.share])
    return region_mask(inputs, size.share), f"{size.sentence} Of this image it is {'kept' if kept else 'not kept'}."


def region_line(sentence: str, *, outlined: bool) -> None:
    """The sentence below the viewer. outlined: can the outline be switched on?"""
    if sentence:
        st.caption(f"{inert(sentence)}{' “Region that keeps the class” in the viewer outlines it.' if outlined else ''}")
