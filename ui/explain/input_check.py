"""The input check's result for an image, with buttons to mend the image or to override the check."""

from typing import Final

import streamlit as st

from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import FRONTAL, input_check_card
from covid_model.input_check.remedy import INVERT, REMEDIES, TURN, remedied
from ui.inert import inert_message
from ui.loaders import input_check
from ui.results import results

OVERRIDDEN: Final = "input_check_overridden"
"""In the session: digests of refused images that the user wants explained anyway."""
REMEDIED: Final = "input_check_remedied"
"""In the session: digests of refused images that the user wants mended."""
BUTTONS: Final = {
    INVERT: ("Invert and explain", ":material/invert_colors:"),
    TURN: ("Turn and explain", ":material/rotate_left:"),
}


def mended(image: XrayImage) -> XrayImage:
    """The image, mended if the user chose that for this one."""
    if image.digest not in st.session_state.setdefault(REMEDIED, set()):
        return image
    kind = input_check(image).kind
    key = ("mended", image.digest)
    return results().get_or_make(key, lambda: remedied(image, kind, lambda turned: input_check(turned).frontal))


def admitted(image: XrayImage, title: str) -> bool:
    """True if the input check accepts the image or the user overrides it; otherwise shows reason, image and buttons."""
    found = input_check(image)
    overridden: set[str] = st.session_state.setdefault(OVERRIDDEN, set())
    if found.accepted or image.digest in overridden:
        return True
    st.warning(f"**Not explained.** {inert_message(found.reason)}", icon=":material/block:")
    with st.container(horizontal=True):
        if found.kind in REMEDIES:
            label, icon = BUTTONS[found.kind]
            st.button(
                label,
                key=f"mend_{image.digest[:8]}",
                icon=icon,
                type="primary",
                on_click=st.session_state.setdefault(REMEDIED, set()).add,
                args=(image.digest,),
            )
        st.button(
            "Explain it anyway",
            key=f"override_{image.digest[:8]}",
            icon=":material/arrow_forward:",
            help="There will be no verdict.",
            on_click=overridden.add,
            args=(image.digest,),
        )
    st.caption(
        "A model gives a prediction for any image. For this one, prediction and heatmap would look as certain as for a "
        "chest X-ray but would mean nothing."
    )
    frontal = [score for name, score in input_check_card()["scores"].items() if name.startswith(FRONTAL)]
    images = sum(score["pictures"] for score in frontal)
    wrong = sum(score["pictures"] * score["value"] for score in frontal)
    st.caption(f"The input check can be wrong: it refused {wrong:.0f} of {images} real frontal test images.")
    st.image(displayed(image.pixels), width=420, alt=f"{title}, which the input check refuses: {found.reason}")
    return False
