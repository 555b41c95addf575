"""Class visualisation: what a model takes for a class, on request."""

import streamlit as st

from covid_model.explain.class_visualisation import STEPS
from covid_model.images.window import displayed
from ui.loaders import class_visualisation


def show_class_visualisation(model: str, target: str) -> None:
    """A button, then the picture that raises the class as far as it goes."""
    st.caption(
        f"Activation maximisation (tf-keras-vis): noise is changed in {STEPS} steps until the model is as sure of {target} "
        "as it gets. It shows the model and not the image. Look for ribs, markers, edges and text: a model that draws "
        "letters has learned to read them."
    )
    wanted = f"{model}/{target}"
    if st.button(f"Visualise {target} (about twenty seconds)", icon=":material/draw_abstract:"):
        st.session_state["class_visualisation"] = wanted
    if st.session_state.get("class_visualisation") == wanted and (picture := class_visualisation(model, target)) is not None:
        st.image(
            displayed(picture),
            caption=f"What the model takes for {target}",
            alt=f"Class visualisation of {target}",
            width=448,
        )
