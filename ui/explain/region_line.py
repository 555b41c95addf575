"""The conformal region of a heatmap: its outline for the viewer, and one sentence on what it promises."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.api.result import Result
from covid_model.trust.region import keeps_class, load_regions, region_mask, unlike
from ui.inert import inert
from ui.results import results

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
    if why := unlike(inputs, size):
        return None, why
    if size.share == 0:
        return None, f"{size.sentence} The blurred image alone keeps it, so there is nothing to outline."
    (kept,) = keeps_class(inputs.classifier, inputs.prediction, found.layer_map, [size.share])
    return region_mask(inputs, size.share), f"{size.sentence} Of this image it is {'kept' if kept else 'not kept'}."


def region_line(sentence: str, *, outlined: bool) -> None:
    """The sentence below the viewer. outlined: can the outline be switched on?"""
    if sentence:
        st.caption(f"{inert(sentence)}{' “Region that keeps the class” in the viewer outlines it.' if outlined else ''}")
