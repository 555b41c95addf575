"""Explain: a prediction and a heatmap for an image, tests of whether to trust them, and exports."""

import streamlit as st

from ui.explain.controls import image_picker, model_picker
from ui.explain.explained import show_explained
from ui.explain.input_check import admitted
from ui.inert import inert
from ui.menu import require_entry
from ui.notices import show_errors

require_entry()
heading, first_time = st.columns([4, 1], vertical_alignment="bottom")
heading.header("What does the model look at?", anchor=False)
first_time.page_link("pages/tour.py", label="New here?", icon=":material/tour:")
with show_errors():
    with st.sidebar:
        picked = image_picker()
        model = model_picker()
    height, width = picked.image.shape
    first_sentence = picked.note.split(". ")[0].removesuffix(".")
    about = f"**{inert(picked.title)}**, {width} x {height} pixels, {picked.image.source_kind.upper()}. {first_sentence}"
    st.caption(f"{about}." if first_sentence else about)
    if admitted(picked.image, picked.title):
        show_explained(picked, model)
