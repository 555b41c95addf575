"""Add your own Keras model: read the file, complete its card, and save it."""

from typing import Final

import streamlit as st

from covid_model.data.labels import LABELS
from covid_model.errors import ModelError
from covid_model.images.preprocess import SCALES, Region
from covid_model.models.importing import FileModel, add_model, read_network, read_numbers, remove_model
from covid_model.models.specs import MODELS, NOT_COVID
from covid_model.settings import is_public_host
from ui.inert import inert, inert_message
from ui.links import explain_params
from ui.models.cards import card_of

MOST_MB: Final = 500
REGIONS: Final[dict[Region, str]] = {"image": "the whole image", "lungs": "only the segmented lungs"}
ORDERS: Final = {False: "red, green, blue", True: "blue, green, red"}


@st.cache_resource(max_entries=2, ttl="30m", show_spinner="Reading the model …")
def _read(data: bytes) -> tuple[FileModel | None, str]:
    """The network, or why it cannot be used."""
    try:
        return read_network(data), ""
    except ModelError as error:
        return None, str(error)


def import_form() -> None:
    """Upload, what the file contains, and a form for what it does not; the model then is available on all pages."""
    if is_public_host():
        st.info(
            "Models cannot be added to a public copy. Run your own copy (see the README) and add your model there.",
            icon=":material/info:",
        )
        return
    upload = st.file_uploader("A .keras or .h5 file", key="model_file", max_upload_size=MOST_MB)
    st.caption("Functional or sequential, with one output or several classes. Files that contain code are refused.")
    if upload is None:
        return
    file_model, why = _read(upload.getvalue())
    if file_model is None:
        st.error(inert_message(why), icon=":material/error:")
        return
    found = file_model.found
    height, width = found.size
    multilabel = " (multi-label)" if found.head == "multilabel" else ""
    st.success(
        f"{height} x {width} pixels, {found.channels} channel(s), {found.units} output(s){multilabel}, "
        f"{found.count} layers; heatmaps at {inert(', '.join(found.layers))}.",
        icon=":material/check:",
    )
    _questions(file_model, upload.name)


def _questions(file_model: FileModel, file_name: str) -> None:
    found = file_model.found
    names = list(LABELS) if found.units == len(LABELS) else [NOT_COVID, "COVID-19"]
    offered = [key for key, row in SCALES.items() if len(row.mean) in (0, 1, found.channels)]
    first = offered.index("byte" if found.rescales else "unit")
    scaling = st.selectbox(
        "Pixel values the model was trained on", offered, first, lambda key: SCALES[key].label, key="import_scaling"
    )
    with st.form("import"):
        title = st.text_input("Title", file_name.rsplit(".", 1)[0])
        classes = st.text_input(
            "Classes in the order of the outputs, separated by commas",
            ", ".join(names),
            help=f"To evaluate the model on a manifest, use {', '.join(LABELS)} or {NOT_COVID}. "
            "For one output: negative class, then positive class.",
        )
        region = st.selectbox("Image area it was trained on", list(REGIONS), format_func=REGIONS.__getitem__)
        custom = _own_scaling() if scaling == "custom" else {}
        multilabel = not found.says_head and st.checkbox(
            "Multi-label: classes do not exclude one another",
            help="The file has no final activation. If this is off, a softmax turns the scores into probabilities.",
        )
        if not st.form_submit_button("Add the model", type="primary", icon=":material/add:"):
            return
    try:
        numbers = {key: read_numbers(value) if isinstance(value, str) else value for key, value in custom.items()}
        card = add_model(
            file_model,
            title=title,
            classes=tuple(name.strip() for name in classes.split(",") if name.strip()),
            preprocessing={"region": region, "scaling": scaling, **numbers},
            multilabel=multilabel,
        )
    except ModelError as error:
        st.error(inert_message(error), icon=":material/error:")
        return
    card_of.clear()
    st.success(f"{inert(card.title)} was added.", icon=":material/check:")
    params = explain_params(model=card.key)
    st.page_link(
        "pages/explain.py", label="Explain an image with this model", icon=":material/visibility:", query_params=params
    )


def _own_scaling() -> dict[str, str | bool]:
    """Mean and standard deviation as entered, and the channel order."""
    mean, deviation, order = st.columns(3)
    return {
        "mean": mean.text_input(
            "Mean", "0.5", help="Of pixels from 0 to 1 (for 0 to 255, divide by 255); one number, or R, G, B."
        ),
        "deviation": deviation.text_input("Standard deviation", "0.25", help="In the same form as the mean."),
        "bgr": order.selectbox("Channel order", list(ORDERS), format_func=ORDERS.__getitem__),
    }


def removal(key: str) -> None:
    """A button that removes a user's model; nothing for models of the MODELS table."""
    if key in MODELS:
        return
    sure = st.checkbox("Confirm removal", key=f"sure-{key}")
    if st.button("Remove", icon=":material/delete:", key=f"remove-{key}", disabled=not sure):
        remove_model(key)
        card_of.clear()
        st.rerun()
