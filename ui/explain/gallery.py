"""A gallery of the images that can be chosen, beside the select box of their names."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.errors import ImageError
from covid_model.images.preprocess import resized
from covid_model.images.window import displayed
from ui.available_images import AvailableImage
from ui.inert import inert
from ui.thumbnail import WIDTH, clickable, thumbnail_style

SIZE: Final = 12
OPEN: Final = "gallery_open"
"""In the session while the gallery is open."""


def gallery(offered: Mapping[str, AvailableImage], on_pick: Callable[[str], None]) -> None:
    """A button that opens the gallery. on_pick: called with the key of the image that was clicked."""
    opened = {OPEN: True}
    label, icon = "Choose by picture", ":material/photo_library:"
    st.button(label, icon=icon, key="gallery", on_click=st.session_state.update, args=(opened,))
    if st.session_state.get(OPEN):
        _dialog(offered, on_pick)


@st.dialog("Choose an image", width="large", on_dismiss=lambda: st.session_state.pop(OPEN, None))
def _dialog(offered: Mapping[str, AvailableImage], on_pick: Callable[[str], None]) -> None:
    def pick(key: str) -> None:
        st.session_state.pop(OPEN, None)
        on_pick(key)

    keys = list(offered)
    last = max(1, -(-len(keys) // SIZE))
    number = int(st.number_input(f"Page (of {last})", 1, last, key="gallery_page")) if last > 1 else 1
    thumbnail_style()
    with st.container(horizontal=True):
        for place, key in enumerate(keys[(number - 1) * SIZE : number * SIZE]):
            with st.container(width=WIDTH):
                if (picture := _small(key, offered[key])) is not None:
                    clickable(f"gallery_{place}", picture, offered[key].title, pick, (key,))
                st.caption(inert(offered[key].title))
    if st.session_state.get(OPEN) is None:
        st.rerun()  # a pick closes the gallery and shows the image


@st.cache_data(max_entries=500, show_spinner=False)
def _small(key: str, _image: AvailableImage) -> NDArray[np.uint8] | None:
    """The image at thumbnail size; None where it cannot be read."""
    try:
        pixels = _image.read().pixels
    except ImageError:
        return None
    scale = min(1.0, WIDTH / max(pixels.shape))
    return displayed(resized(pixels, (max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale)))))
