"""What is promised of one image: a label set, and a region of the heatmap for the viewer; each in one sentence."""

import streamlit as st

from covid_model.api.result import Result
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.trust.likeness import Likeness, likeness
from covid_model.trust.promises import PromisedRegion, promised_labels, promised_region
from ui.inert import inert
from ui.loaders import made_from
from ui.results import results


def image_likeness(classifier: Classifier, prediction: Prediction) -> Likeness:
    """Is the image like those of the calibration? Cached by model and image."""
    key = ("likeness", classifier.weights_digest, prediction.image_digest)
    return results().get_or_make(key, lambda: likeness(classifier, prediction))


def label_set_line(classifier: Classifier, prediction: Prediction) -> None:
    """The model's label set for the image, or why none is promised; nothing without a report of these weights.

    Cached by model and image, since it reads the report.
    """
    found = results().get_or_make(
        ("label set", classifier.weights_digest, prediction.image_digest),
        lambda: promised_labels(classifier, prediction, image_likeness(classifier, prediction)),
    )
    if found is not None:
        st.caption(inert(found.sentence))


def region_of(result: Result) -> PromisedRegion | None:
    """The promised region of a heatmap, cached by model, image, and what the heatmap shows."""
    inputs = result.inputs
    return results().get_or_make(
        ("region", made_from(result.explanation)),
        lambda: promised_region(inputs, image_likeness(inputs.classifier, inputs.prediction)),
    )


def region_line(region: PromisedRegion | None) -> None:
    """The region's sentence, for below the viewer."""
    if region is not None:
        how = "" if region.mask is None else " “Region that keeps the class” in the viewer outlines it."
        st.caption(f"{inert(region.sentence)}{how}")
