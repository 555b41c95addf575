"""Measure the images of a manifest from the page: what a model makes of each, in a process of its own."""

from pathlib import Path

import streamlit as st

from covid_model.data.beside import measured_path
from covid_model.data.browse import ManifestTable
from covid_model.jobs import start_job
from covid_model.models.user_models import available_models
from covid_model.settings import is_public_host
from ui.jobs import job_shown
from ui.manifest import NEXT
from ui.notices import show_errors


def measuring(images: ManifestTable) -> None:
    """Offer to measure a manifest that is not measured, or show how far that is."""
    if "model" in images.columns:
        return
    if is_public_host():
        st.info("This manifest is not measured, and a public copy does not measure images.", icon=":material/info:")
        return
    out = measured_path(images.path)
    if job_shown(out, "Loading the model …", _show):
        return
    with st.container(border=True):
        st.markdown(
            "**Not measured yet.** A model's prediction, attention and features of every image add filters, the map, "
            "similar images and more checks."
        )
        offered = available_models()
        with st.container(horizontal=True, vertical_alignment="bottom"), show_errors():
            model = st.selectbox("Model", list(offered), format_func=offered.__getitem__, key="measure_model")
            if st.button(f"Measure {images.count():,} images", icon=":material/straighten:", key="measure", type="primary"):
                arguments = ["data", "measure", "--manifest", str(images.path), "--model", model, "--out", str(out)]
                start_job(arguments, out, out, "Measuring")
                st.rerun()
            if out.is_file():
                st.button("Open the measured manifest", key="measure_open", on_click=_show, args=(out,))


def _show(manifest: Path) -> None:
    st.session_state[NEXT] = str(manifest)
