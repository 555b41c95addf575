"""Tour: three images in three minutes, for first-time users."""

from dataclasses import replace
from typing import Final

import streamlit as st

from covid_model.data.synthetic_samples import shipped_samples
from covid_model.images.read import file_bytes
from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.share.tour import STOPS, TourExample, read_tour
from covid_model.viewer.payload import Panel, still
from ui.compare.views import View, panel_of, result_of
from ui.explain.controls import PickedImage
from ui.explain.trust_panel import VERDICTS
from ui.links import explain_params
from ui.loaders import HowToExplain, ImageFile, image_from, loaded_model
from ui.menu import require_entry
from ui.models.cards import card_of
from ui.notices import show_errors
from ui.thumbnail import clickable, thumbnail_style
from ui.viewer import current_look, show_viewer

OPENED: Final = "tour_opened"
"""In the session: the stop whose images are open in the viewer."""


def show_stop(number: int, key: str, found: TourExample) -> None:
    """One stop: the image, its heatmap, the verdict, and the link to all of it."""
    stop, sample = STOPS[key], shipped_samples()[found.image]
    image = image_from(ImageFile.of(file_bytes(sample.path)))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(f"{number}. {stop.title}", anchor=False, width="content")
            word, icon, colour = VERDICTS[found.verdict]
            st.badge(word, icon=icon, color=colour)
        picture, overlay, text = st.columns([1, 1, 2], gap="medium", vertical_alignment="center")
        picture.image(displayed(image.pixels), alt=f"Synthetic image, generated as {sample.label}", width="stretch")
        with overlay, show_errors():
            show_heatmap(key, found, image)
        with text:
            st.markdown(stop.text.format(**vars(found)))
            st.page_link(
                "pages/explain.py",
                label=f"Open this image with “{card_of(found.model).title}” and its tests",
                icon=":material/visibility:",
                query_params=explain_params(image=found.image, model=found.model, method=found.method),
            )
            shown, _, made = sample.origin.partition(". ")
            st.caption(f"{shown}.", help=made)


def show_heatmap(key: str, found: TourExample, image: XrayImage) -> None:
    """What raised the score of the predicted class, over the image; a click opens both in the viewer."""
    how = HowToExplain(found.method, found.predicted, loaded_model(found.model).layers[0])
    view = View(PickedImage(image, "", True), found.model, how, found.predicted)
    if (result := result_of(view)) is not None:
        panel = replace(panel_of(view, result), title=f"What raised the {found.predicted} score")
        alt = f"Heatmap of what raised the {found.predicted} score"
        clickable(f"tour_{key}", still(panel, current_look()), alt, st.session_state.update, ({OPENED: key},))
        if st.session_state.get(OPENED) == key:
            open_viewer([replace(panel, title="Image", alt="The image.", explanation=None), panel], alt)


@st.dialog("Image and heatmap", width="large", on_dismiss=lambda: st.session_state.pop(OPENED, None))
def open_viewer(panels: list[Panel], label: str) -> None:
    """The images of a stop, to be zoomed and changed."""
    show_viewer(panels, label=label, key="tour_pictures")


require_entry()
st.header("Three images in three minutes", anchor=False)
st.markdown(
    "Models for COVID-19 chest X-rays have almost perfect scores in papers and fail at the next hospital. A heatmap over "
    "the image should show why a model predicts what it predicts. **Should you trust it?** Open each image, read the "
    "prediction, look at the heatmap, and see what the tests say of it."
)
thumbnail_style()
tour, day = read_tour()
for number, (key, found) in enumerate(tour.items(), 1):
    show_stop(number, key, found)
st.caption(f"`python -m covid_model build tour` selected these synthetic images and models automatically on {day}.")
with st.container(horizontal=True):
    st.page_link("pages/models.py", label="What was claimed and what fair splits show", icon=":material/fact_check:")
    st.page_link("pages/dataset.py", label="What gives the labels away", icon=":material/photo_library:")
    st.page_link("pages/training.py", label="What a model looks at during training", icon=":material/model_training:")
