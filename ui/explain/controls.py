"""The controls of the Explain page; a link can set each of them."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from covid_model.errors import ImageError
from covid_model.explain.methods import METHODS, get_method
from covid_model.explain.options import Option, Setting
from covid_model.explain.target import MINUS
from covid_model.images.xray_image import XrayImage
from covid_model.models.card import Card
from covid_model.models.user_models import available_models, row_of
from ui.available_images import AvailableImage, available_images, image_of_manifest
from ui.explain.gallery import gallery
from ui.explain.get_images import get_images
from ui.explain.input_check import mended
from ui.image_types import SUFFIXES
from ui.inert import inert
from ui.links import UnknownLinkError, linked_select, newly_named, repeat_in_address, wanted
from ui.loaders import HowToExplain, ImageFile, image_from
from ui.notices import PRIVACY
from ui.uploads import visitor

PREDICTED: Final = "predicted"
"""In links: the class that the model predicts, whichever it is."""
PREDICTED_TITLE: Final = "Predicted class"
"""Without its name: a box would go on showing the name of the image before."""

UPLOAD: Final = "upload"
"""In the session: the uploaded file. In the address: that an upload is shown, which no link can open."""
UPLOADS: Final = "uploads"
"""In the session: how many uploads were dropped; a new uploader is empty."""


@dataclass(frozen=True)
class PickedImage:
    """The chosen image, its title, and what radiologists outlined on it, if available.

    title: text from outside, not Markdown. key: what a link names it by; "" where none can, as for an upload. note: where it
    comes from, as Markdown of this project; may be empty.
    """

    image: XrayImage
    title: str
    synthetic: bool
    lesions: NDArray[np.bool_] | None = None
    key: str = ""
    note: str = ""


def image_picker() -> PickedImage:
    """The upload if there is one, else the chosen image.

    Raises ImageError for a file that is no image, and UnknownLinkError for a link to an image that is not available.
    """
    upload = _uploaded()
    offered = available_images()
    key = wanted("image") or ""
    if key not in offered and (found := image_of_manifest(key)) is not None:
        offered = {**offered, key: found}
    titles = {key: image.title for key, image in offered.items()}
    try:
        key = linked_select("or choose an image", titles, "image", off=upload is not None)
    except UnknownLinkError:
        if key == UPLOAD:
            raise UnknownLinkError("A reload loses an upload, and no link opens one; upload the file again.") from None
        raise
    finally:
        if upload is None:
            gallery(offered, lambda picked: st.session_state.update(image_choice=picked))
        get_images()
    if upload is not None:
        repeat_in_address("image", [UPLOAD])
        try:
            return with_remedy(PickedImage(image_from(upload, visitor()), "Your upload", False))
        except ImageError as error:
            raise ImageError(f"The upload cannot be used. {error}") from None
    return with_remedy(picked_image(offered[key]))


def picked_image(chosen: AvailableImage) -> PickedImage:
    """An available image, read. Raises ImageError."""
    image = chosen.read()
    return PickedImage(image, chosen.title, chosen.synthetic, chosen.lesions(image), chosen.key, chosen.note)


def with_remedy(picked: PickedImage) -> PickedImage:
    """The image, mended if the user chose that; then outlines on it do not fit any more, and no link opens it."""
    image = mended(picked.image)
    return picked if image is picked.image else replace(picked, image=image, lesions=None, key="")


def _uploaded() -> ImageFile | None:
    """The session's upload, which every page shares; a link to an image ends it."""
    if newly_named("image") not in (None, UPLOAD):
        _forget_upload()
    widget = f"uploader_{st.session_state.get(UPLOADS, 0)}"

    def take() -> None:
        file = st.session_state[widget]
        if file is None:
            st.session_state.pop(UPLOAD, None)
        else:
            st.session_state[UPLOAD] = ImageFile.of(file.getvalue())

    about = f"PNG, JPEG, WebP, BMP, TIFF or DICOM. {PRIVACY}"
    shown = st.file_uploader("Upload a chest X-ray", type=SUFFIXES, help=about, key=widget, on_change=take)
    upload: ImageFile | None = st.session_state.get(UPLOAD)
    if upload is not None and shown is None:  # chosen on another page
        st.button("Remove your upload", icon=":material/close:", key="remove_upload", on_click=_forget_upload)
    return upload


def _forget_upload() -> None:
    """Drop the upload, and the widget that shows it."""
    if st.session_state.pop(UPLOAD, None) is not None:
        st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1


def model_picker() -> str:
    """The key of a model of the MODELS table."""
    offered = available_models()
    summaries = "  \n".join(f"**{inert(title)}**: {inert(row_of(key).summary)}" for key, title in offered.items())
    return linked_select("Model", offered, "model", help=summaries)


def how_picker(card: Card, predicted: str, advanced: DeltaGenerator) -> HowToExplain:
    """What to explain and how. advanced: place of the button for layer and method settings."""
    differences = [f"{a}{MINUS}{b}" for a in card.classes for b in card.classes if a != b]
    targets = {PREDICTED: PREDICTED_TITLE} | {name: name for name in (*card.classes, *differences)}
    meaning = "A difference, such as COVID-19 - Normal, shows what supports the first class over the second."
    with st.container(horizontal=True):
        target = linked_select("Class to explain", targets, "target", help=meaning)
        method = get_method(linked_select("Method", {key: row.label for key, row in METHODS.items()}, "method"))
    layer = card.explanation_layers[0]
    settings: list[tuple[str, Setting]] = []
    if method.needs_layer or method.options:
        with advanced.popover("Advanced", icon=":material/tune:"):
            if method.needs_layer:
                finer = "Earlier layers give finer maps of simpler features. The first entry is the default."
                layer = linked_select("Layer", {name: name for name in card.explanation_layers}, "layer", help=finer)
            settings = [(option.name, option_widget(method.key, option)) for option in method.options]
    return HowToExplain(method.key, predicted if target == PREDICTED else target, layer, tuple(settings))


def option_widget(method: str, option: Option) -> Setting:
    """A widget for one setting of a method, kept in links as `method-setting`."""
    name = f"{method}-{option.name}"
    if option.choices:
        choices = sorted(option.choices, key=lambda choice: choice != option.default)  # a link omits the first
        return linked_select(option.label, {choice: choice for choice in choices}, name, help=option.help)
    if isinstance(option.default, int):
        low, high, step = int(option.low), int(option.high), int(option.step)
        return st.slider(option.label, low, high, option.default, step, key=name, bind="query-params", help=option.help)
    start = float(option.default)
    return st.slider(
        option.label, option.low, option.high, start, option.step, key=name, bind="query-params", help=option.help
    )
