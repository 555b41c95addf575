"""One image of a list, large, with the images before and after it, its facts and its tags."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import streamlit as st

from covid_model.data.lesions import lesion_mask
from covid_model.data.tags import read_tags, set_tags
from covid_model.errors import ImageError
from covid_model.images.read import load_image
from covid_model.models.user_models import available_models
from covid_model.settings import is_public_host
from covid_model.viewer.payload import Panel
from ui.inert import inert, inert_message
from ui.links import explain_params
from ui.manifest import image_key
from ui.notices import show_errors
from ui.viewer import show_viewer

PLACE: Final = "opened_place"
"""In the session: the list that an image was opened from and its place there."""
LIST: Final = "opened_list"

Row = Callable[[int], dict[str, Any] | None]
"""Place in a list, from 0 -> the image's row of the manifest."""


def open_image(name: str, place: int) -> None:
    """Open an image of the list `name`, from a button's callback."""
    st.session_state[LIST], st.session_state[PLACE] = name, place


def close_image() -> None:
    """Forget the opened image."""
    st.session_state.pop(LIST, None)


def opened_image(name: str, manifest: Path, total: int, row: Row) -> None:
    """Show the opened image where it is one of the list `name`, of `total` images."""
    if st.session_state.get(LIST) == name:
        _dialog(manifest, total, row)


@st.dialog("Image", width="large", on_dismiss=close_image)
def _dialog(manifest: Path, total: int, row: Row) -> None:
    place = min(st.session_state.get(PLACE, 0), total - 1)
    found = row(place)
    if found is None:
        st.info("This image is no longer in the list.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        steps = (("Previous", -1, "Left", ":material/arrow_back:"), ("Next", 1, "Right", ":material/arrow_forward:"))
        for label, by, key, icon in steps:
            st.button(
                label,
                icon=icon,
                key=f"opened_{label.lower()}",
                disabled=not 0 <= place + by < total,
                shortcut=key,
                on_click=st.session_state.update,
                args=({PLACE: place + by},),
            )
        st.markdown(f"{place + 1:,} of {total:,}")
    picture, about = st.columns([3, 2], gap="medium")
    with picture:
        _picture(found)
    with about:
        st.markdown("  \n".join([f"**{inert(found['label'])}**", *map(inert, _facts(found))]))
        _tags(manifest, str(found["digest"]))
        measured = {"model": found["model"]} if found.get("model") in available_models() else {}
        params = explain_params(image=image_key(found["digest"]), **measured)
        st.page_link("pages/explain.py", label="Explain this image", icon=":material/visibility:", query_params=params)


def _picture(row: dict[str, Any]) -> None:
    """The image itself in the viewer, with radiologists' outlines where the data set has them."""
    path, title = Path(row["path"]), f"{row['label']}, {row['source']}"
    try:
        image = load_image(path)
    except ImageError as error:
        st.warning(inert_message(error), icon=":material/broken_image:")
        return
    panel = Panel(title, f"Chest X-ray: {title}", image, lesions=lesion_mask(path, image.shape))
    show_viewer([panel], label=f"Chest X-ray: {title}", key="opened_image")


def _facts(row: dict[str, Any]) -> list[str]:
    """What the manifest says of the image, without what is empty."""
    names = ("source", "split", "finding", "view", "sex", "patient", "licence")
    facts = [f"{name.capitalize()}: {row[name]}" for name in names if isinstance(row.get(name), str) and row[name]]
    if row.get("age") == row.get("age") and row.get("age") is not None:
        facts.append(f"Age: {row['age']:.0f} years")
    return [*facts, f"File: {Path(row['path']).name}"]


def _tags(manifest: Path, digest: str) -> None:
    """The image's tags; a change is kept at once."""
    tags = read_tags(manifest)
    own = [tag for tag, digests in tags.items() if digest in digests]
    if is_public_host():
        if own:
            st.caption(f"Tags: {inert(', '.join(own))}")
        return
    wanted = st.multiselect(
        "Tags", list(tags), own, key=f"tags_{digest[:16]}", accept_new_options=True, placeholder="Choose or type a tag"
    )
    if set(wanted) != set(own):
        with show_errors():
            set_tags(manifest, digest, wanted)
