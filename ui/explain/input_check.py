"""What the input check says of an image, and the deliberate click past it."""

from typing import Final

import streamlit as st

from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import FRONTAL, input_check_card
from ui.loaders import input_check

WAVED: Final = "waved_through"
"""In the session: digests of refused images that the user wants explained all the same."""


def admitted(image: XrayImage, title: str) -> bool:
    """True for an image that the input check accepts or the user waved through; else reason, image and button are shown."""
    found = input_check(image)
    waved: set[str] = st.session_state.setdefault(WAVED, set())
    if found.accepted or image.digest in waved:
        return True
    st.warning(f"**Not explained.** {found.reason}", icon=":material/block:")
    st.caption(
        "A model answers whatever it is given. For this picture its answer and its heatmap would look as sure as for a "
        "chest X-ray, and mean nothing."
    )
    frontal = [score for name, score in input_check_card()["scores"].items() if name.startswith(FRONTAL)]
    images = sum(score["pictures"] for score in frontal)
    wrong = sum(score["pictures"] * score["value"] for score in frontal)
    st.caption(f"The input check errs too: it refused {wrong:.0f} of {images} real frontal test images.")
    st.button(
        "Explain it all the same",
        key=f"wave_{image.digest[:8]}",
        icon=":material/arrow_forward:",
        help="No verdict will be given.",
        on_click=waved.add,
        args=(image.digest,),
    )
    st.image(displayed(image.pixels), width=420, alt=f"{title}, which the input check refuses: {found.reason}")
    return False
