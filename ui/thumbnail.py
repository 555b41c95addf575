"""A thumbnail that can be clicked."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

WIDTH: Final = 148
"""Pixels across: six in a row of a desktop, two of a phone."""
STYLE: Final = """<style>
[class*="st-key-thumb_"] { position: relative; cursor: zoom-in; }
[class*="st-key-thumb_"] [data-testid="stElementToolbar"] { display: none; }
[class*="st-key-open_"] { position: absolute; inset: 0; z-index: 1; width: 100%; }
[class*="st-key-open_"] * { width: 100%; height: 100%; }
[class*="st-key-open_"] button { background: transparent; color: transparent; border-color: transparent; cursor: zoom-in; }
[class*="st-key-open_"] button:is(:hover, :focus-visible) { border-color: #2a7f9e; }
</style>"""
"""Lays a button over each thumbnail, so that a click on the picture is a click on the button, for a keyboard too."""


def thumbnail_style() -> None:
    """What makes thumbnails clickable; once for all thumbnails of a list."""
    st.html(STYLE)


def clickable(
    key: str, picture: bytes | NDArray[np.uint8], alt: str, on_click: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    """A picture over which a button is. key: of the list and the place in it; alt: what the picture shows, as plain text."""
    with st.container(key=f"thumb_{key}"):
        st.image(picture, width="stretch", alt=alt)
        st.button("Open", key=f"open_{key}", on_click=on_click, args=args)
