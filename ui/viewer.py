"""The image viewer on a page, and the look that all pages share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import streamlit as st
from streamlit.runtime import get_instance

from covid_model.images.xray_image import XrayImage
from covid_model.viewer.look import Look
from covid_model.viewer.payload import EncodedPixels, Panel, described, encoded_pixels, payload, still
from covid_model.viewer.script import script, style
from ui.inert import inert
from ui.links import written_params
from ui.results import results

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

LOOK: Final = "look"
"""In the session: how images and heatmaps are displayed, on every page."""
UNSUPPORTED: Final = "viewer_unsupported"
"""In the session: this browser cannot draw with WebGL2."""
PLACE: Final = '<div class="viewer"></div>'


@cache
def _component() -> "ComponentRenderer":
    return st.components.v2.component("viewer", html=PLACE, css=style(), js=script("streamlit"))


def current_look() -> Look:
    """The session's look; a new session has the address's."""
    if LOOK not in st.session_state:
        st.session_state[LOOK] = Look.read({name: st.query_params.get_all(name) for name in st.query_params})
    found: Look = st.session_state[LOOK]
    return found


def show_viewer(panels: Sequence[Panel], *, label: str, key: str) -> None:
    """Panels side by side with one look and one zoom; the browser draws them and reports the look once it rests.

    label: what a screen reader says of the whole. key: of the element; one a page. Call it inside a fragment where the rest
    of the page costs something: a new look reruns only that.
    """

    def changed() -> None:
        state: Mapping[str, Any] = st.session_state[key]
        if isinstance(state.get("look"), Mapping):
            st.session_state[LOOK] = Look.of(state["look"])
        st.session_state[UNSUPPORTED] = bool(state.get("unsupported"))

    look = current_look()
    _show_in_address(look)
    if st.session_state.get(UNSUPPORTED):
        _show_stills(panels, look)
        return
    data = json.dumps(payload(panels, _source, look=look, label=label)).encode()  # for a mapping Streamlit loads pandas

    _component()(key=key, data=data, on_look_change=changed, on_unsupported_change=changed)


def _source(image: XrayImage) -> dict[str, Any]:
    """The image's description with the address of its pixels, which the browser fetches once."""
    pixels: EncodedPixels = results().get_or_make(("viewer", image.digest), lambda: encoded_pixels(image))
    kept = get_instance().media_file_mgr.add(pixels.data, "application/octet-stream", f"viewer-{image.digest}")
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return described(image, pixels) | {"url": f"/{base}{kept}" if base else kept}


def _show_in_address(look: Look) -> None:
    """Write the look's parameters and the page's choices, all that differ in one step."""
    wanted: dict[str, list[str]] = {part.name: [] for part in fields(Look)}
    wanted |= look.params() | written_params()
    differing = {name: values for name, values in wanted.items() if values != st.query_params.get_all(name)}
    if differing:
        st.query_params.update(differing)  # an empty list takes a parameter out


def _show_stills(panels: Sequence[Panel], look: Look) -> None:
    """Plain pictures where the browser cannot draw."""
    st.caption("This browser has no WebGL2, so the images cannot be zoomed or changed here.")
    for column, panel in zip(st.columns(len(panels)), panels, strict=True):
        column.image(still(panel, look), caption=inert(panel.title), alt=panel.alt, width="stretch")
