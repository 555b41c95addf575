"""Class visualisation: an image that maximises a class's score, on request."""

import streamlit as st

from covid_model.explain.class_visualisation import STEPS
from covid_model.images.window import displayed
from ui.inert import inert
from ui.loaders import class_visualisation


def show_class_visualisation(model: str, target: str) -> None:
    """A button, then the image that maximises the class's score."""
    st.caption(
        f"Activation maximisation (tf-keras-vis): {STEPS} steps change noise to maximise the score of "
        f"{inert(target)}. The result shows the model, not the image. Look for ribs, markers, edges and text: a model that "
        "draws letters has learned to read them."
    )
    wanted = f"{model}/{target}"
    if st.button(f"Visualise {inert(target)} (about 20 seconds)", icon=":material/draw_abstract:"):
        st.session_state["class_visualisation"] = wanted
    if st.session_state.get("class_visualisation") == wanted and (picture := class_visualisation(model, target)) is not None:
        st.image(
            displayed(picture),
            caption=f"Image that maximises the score of {inert(target)}",
            alt=f"Class visualisation of {target}",
            width=448,
        )
