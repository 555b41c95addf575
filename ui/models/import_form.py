"""Bring a Keras model of one's own: read it, help to write its card, keep it."""

from typing import Final

import streamlit as st

from covid_model.data.labels import LABELS
from covid_model.errors import ModelError
from covid_model.images.preprocess import SCALES, Region, Scaling
from covid_model.models.importing import Brought, add_model, read_network, remove_model
from covid_model.models.specs import MODELS, NOT_COVID
from covid_model.settings import is_public_host
from ui.links import explain_params

MOST_MB: Final = 500
SCALINGS: Final[dict[Scaling, str]] = {"byte": "0 to 255", "unit": "0 to 1", "signed": "-1 to 1"}
REGIONS: Final[dict[Region, str]] = {"image": "the whole image", "lungs": "only the segmented lungs"}
assert set(SCALINGS) == set(SCALES)


@st.cache_data(max_entries=2, ttl="30m", show_spinner="Reading the model …")
def _read(data: bytes, name: str) -> tuple[Brought | None, str]:
    """The network, or why it cannot be used."""
    try:
        return read_network(data, name), ""
    except ModelError as error:
        return None, str(error)


def import_form() -> None:
    """Upload, what was found in it, the questions that only its owner can answer, and the model is on every page."""
    if is_public_host():
        st.info(
            "On a public copy models cannot be added. Run your own copy (see the README) and bring your model there.",
            icon=":material/info:",
        )
        return
    upload = st.file_uploader(
        "A .keras or .h5 file", type=["keras", "h5", "hdf5"], key="model_file", max_upload_size=MOST_MB
    )
    st.caption("Functional or sequential, of one unit or several classes. Files that bring code of their own are refused.")
    if upload is None:
        return
    brought, why = _read(upload.getvalue(), upload.name)
    if brought is None:
        st.error(why, icon=":material/error:")
        return
    height, width = brought.size
    st.success(
        f"{height} x {width} pixels, {brought.channels} channel(s), {brought.units} output(s), "
        f"{len(brought.network.layers)} layers; heatmaps at {', '.join(brought.layers)}.",
        icon=":material/check:",
    )
    _questions(brought, upload.name)


def _questions(brought: Brought, file_name: str) -> None:
    names = list(LABELS) if brought.units == len(LABELS) else [NOT_COVID, "COVID-19"]
    with st.form("import"):
        title = st.text_input("What it is called", file_name.rsplit(".", 1)[0])
        classes = st.text_input(
            "Its classes in the order of its outputs, with commas between",
            ", ".join(names),
            help=f"Use {', '.join(LABELS)} or {NOT_COVID} to be able to evaluate it on a manifest. "
            "For one output: negative, then positive.",
        )
        scaling = st.selectbox(
            "Pixel values it was trained on", list(SCALINGS), 0 if brought.rescales else 1, SCALINGS.__getitem__
        )
        region = st.selectbox("What it was shown", list(REGIONS), format_func=REGIONS.__getitem__)
        if not st.form_submit_button("Add the model", type="primary", icon=":material/add:"):
            return
    try:
        given = tuple(name.strip() for name in classes.split(",") if name.strip())
        card = add_model(brought, title=title, classes=given, region=region, scaling=scaling)
    except ModelError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.cache_data.clear()
    st.success(f"{card.title} is there.", icon=":material/check:")
    params = explain_params(model=card.key)
    st.page_link("pages/explain.py", label="Explain an image with it", icon=":material/visibility:", query_params=params)


def removal(key: str) -> None:
    """A button that forgets a user's own model; nothing for models of the MODELS table."""
    if key in MODELS:
        return
    sure = st.checkbox("Really remove", key=f"sure-{key}")
    if st.button("Remove", icon=":material/delete:", key=f"remove-{key}", disabled=not sure):
        remove_model(key)
        st.cache_data.clear()
        st.rerun()
