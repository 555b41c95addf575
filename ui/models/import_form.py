"""Bring a Keras model of one's own: read it, help to write its card, keep it."""

from typing import Final

import streamlit as st

from covid_model.data.labels import LABELS
from covid_model.errors import ModelError
from covid_model.images.preprocess import SCALES, Region
from covid_model.models.importing import Brought, add_model, read_network, read_numbers, remove_model
from covid_model.models.specs import MODELS, NOT_COVID
from covid_model.settings import is_public_host
from ui.links import explain_params

MOST_MB: Final = 500
REGIONS: Final[dict[Region, str]] = {"image": "the whole image", "lungs": "only the segmented lungs"}
ORDERS: Final = {False: "red, green, blue", True: "blue, green, red"}


@st.cache_resource(max_entries=2, ttl="30m", show_spinner="Reading the model …")
def _read(data: bytes) -> tuple[Brought | None, str]:
    """The network, or why it cannot be used."""
    try:
        return read_network(data), ""
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
    upload = st.file_uploader("A .keras or .h5 file", key="model_file", max_upload_size=MOST_MB)
    st.caption("Functional or sequential, of one unit or several classes. Files that bring code of their own are refused.")
    if upload is None:
        return
    brought, why = _read(upload.getvalue())
    if brought is None:
        st.error(why, icon=":material/error:")
        return
    found = brought.found
    height, width = found.size
    multilabel = " of classes that do not exclude one another" if found.head == "multilabel" else ""
    st.success(
        f"{height} x {width} pixels, {found.channels} channel(s), {found.units} output(s){multilabel}, "
        f"{found.count} layers; heatmaps at {', '.join(found.layers)}.",
        icon=":material/check:",
    )
    _questions(brought, upload.name)


def _questions(brought: Brought, file_name: str) -> None:
    found = brought.found
    names = list(LABELS) if found.units == len(LABELS) else [NOT_COVID, "COVID-19"]
    offered = [key for key, row in SCALES.items() if len(row.mean) in (0, 1, found.channels)]
    first = offered.index("byte" if found.rescales else "unit")
    scaling = st.selectbox(
        "Pixel values it was trained on", offered, first, lambda key: SCALES[key].label, key="import_scaling"
    )
    with st.form("import"):
        title = st.text_input("What it is called", file_name.rsplit(".", 1)[0])
        classes = st.text_input(
            "Its classes in the order of its outputs, with commas between",
            ", ".join(names),
            help=f"Use {', '.join(LABELS)} or {NOT_COVID} to be able to evaluate it on a manifest. "
            "For one output: negative, then positive.",
        )
        region = st.selectbox("What it was shown", list(REGIONS), format_func=REGIONS.__getitem__)
        custom = _own_scaling() if scaling == "custom" else {}
        multilabel = not found.says_head and st.checkbox(
            "Its classes do not exclude one another",
            help="The file has no last activation: without this its scores become probabilities by a softmax.",
        )
        if not st.form_submit_button("Add the model", type="primary", icon=":material/add:"):
            return
    try:
        numbers = {key: read_numbers(value) if isinstance(value, str) else value for key, value in custom.items()}
        card = add_model(
            brought,
            title=title,
            classes=tuple(name.strip() for name in classes.split(",") if name.strip()),
            preprocessing={"region": region, "scaling": scaling, **numbers},
            multilabel=multilabel,
        )
    except ModelError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.cache_data.clear()
    st.success(f"{card.title} is there.", icon=":material/check:")
    params = explain_params(model=card.key)
    st.page_link("pages/explain.py", label="Explain an image with it", icon=":material/visibility:", query_params=params)


def _own_scaling() -> dict[str, str | bool]:
    """Mean and deviation as typed, and the order of the channels."""
    mean, deviation, order = st.columns(3)
    return {
        "mean": mean.text_input("Mean", "0.5", help="Of pixels in 0 to 1 (of 0 to 255, divide by 255); one, or R, G, B."),
        "deviation": deviation.text_input("Deviation", "0.25", help="As the mean."),
        "bgr": order.selectbox("Order of channels", list(ORDERS), format_func=ORDERS.__getitem__),
    }


def removal(key: str) -> None:
    """A button that forgets a user's own model; nothing for models of the MODELS table."""
    if key in MODELS:
        return
    sure = st.checkbox("Really remove", key=f"sure-{key}")
    if st.button("Remove", icon=":material/delete:", key=f"remove-{key}", disabled=not sure):
        remove_model(key)
        st.cache_data.clear()
        st.rerun()
