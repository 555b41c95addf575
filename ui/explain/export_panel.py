"""Export the current view: a link, images, values and a report."""

from io import BytesIO

import numpy as np
import streamlit as st

from covid_model.api.result import Result
from covid_model.models.card import Card
from covid_model.share.report import html_report
from ui.links import shared_address
from ui.viewer import current_look


def export_panel(result: Result, card: Card, title: str, *, linkable: bool) -> None:
    """Downloads of the current view, with trust scores if they were measured."""
    found, scores = result.explanation, list(result.scores.values())
    stem = f"{found.model}-{found.method}-{found.image_digest[:8]}"
    if linkable:
        st.caption("This address opens the current view: image, model, class, method, layer and display options.")
        st.code(shared_address(), language=None)
    else:
        st.caption(
            "Uploads are not stored, nor are changed images, so no link can open this view. The report contains the image."
        )
    if not scores:
        st.caption("Record and report include the trust scores once all tests have finished.")
    st.page_link("pages/models.py", label="Model card and checklist", icon=":material/fact_check:")
    look = current_look()
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            lambda: html_report(result.inputs, scores, card, title).encode(),
            f"{stem}.html",
            "text/html",
            icon=":material/description:",
            type="primary",
            on_click="ignore",
        )
        st.download_button(
            "Overlay (PNG)",
            lambda: result.overlay(opacity=look.opacity, colormap=look.cmap),
            f"{stem}.png",
            "image/png",
            icon=":material/image:",
            on_click="ignore",
        )
        st.download_button(
            "Raw map (NumPy)",
            lambda: npy_bytes(result.heatmap),
            f"{stem}.npy",
            "application/octet-stream",
            icon=":material/grid_on:",
            on_click="ignore",
        )
        st.download_button(
            "Record (JSON)",
            lambda: result.record_json().encode(),
            f"{stem}.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )


def npy_bytes(values: np.ndarray) -> bytes:
    """An array as the bytes of a .npy file."""
    stream = BytesIO()
    np.save(stream, values)
    return stream.getvalue()
