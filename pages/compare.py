"""Compare: methods, models, classes or images side by side, or one fixed panel against each of the others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.models.specs import MODELS
from covid_model.models.user_models import available_models
from covid_model.viewer.payload import Panel, shared_top
from ui.available_images import available_images
from ui.explain.controls import PREDICTED, PickedImage, image_picker, model_picker
from ui.explain.input_check import admitted
from ui.links import linked_select
from ui.loaders import HowToExplain, cached_prediction, cached_result, loaded_model
from ui.menu import require_entry
from ui.notices import show_errors
from ui.viewer import show_viewer

WHAT: Final = {"methods": "Methods", "models": "Models", "classes": "Classes", "images": "Images"}
MOST: Final = 4
START: Final = {"methods": ["gradcam", "hirescam", "integratedgradients"], "models": list(MODELS)[:2]}


def one_panel(picked: PickedImage, model: str, method: str, target: str) -> Panel | None:
    """One heatmap with the text below it; None while a slow method is cancelled."""
    prediction, loaded = cached_prediction(model, picked.image), loaded_model(model)
    chosen = prediction.predicted if target == PREDICTED or target not in loaded.classes else target
    result = cached_result(model, picked.image, HowToExplain(method, chosen, loaded.layers[0]))
    if result is None:
        return None
    title = f"{METHODS[method].label}, {loaded.card.title}"
    note = f"{chosen} {prediction.probabilities[chosen]:.0%} · {picked.title}"
    found = result.explanation
    return Panel.of(title, f"{title}: {note}", picked.image, prediction, found, lesions=picked.lesions, note=note)


def choose(label: str, options: dict[str, str], start: Sequence[str]) -> list[str]:
    """One to MOST of the options."""
    offered = [key for key in start if key in options] or list(options)[:2]
    picked = st.multiselect(
        label, list(options), offered, format_func=options.__getitem__, max_selections=MOST, key=f"many_{label}"
    )
    return picked or offered[:1]


def panels_of(what: str, picked: PickedImage, model: str, method: str, target: str) -> list[Panel]:
    """All panels of the chosen comparison."""
    classes = loaded_model(model).classes
    if what == "methods":
        keys = choose("Methods", {key: row.label for key, row in METHODS.items()}, START["methods"])
        views = [(picked, model, key, target) for key in keys]
    elif what == "models":
        keys = choose("Models", available_models(), START["models"])
        views = [(picked, key, method, target) for key in keys]
    elif what == "classes":
        keys = choose("Classes", {name: name for name in classes}, classes)
        views = [(picked, model, method, key) for key in keys]
    else:
        offered = available_images()
        keys = choose("Images", {key: image.title for key, image in offered.items()}, list(offered)[:2])
        images = [PickedImage(offered[key].read(), offered[key].title, offered[key].synthetic) for key in keys]
        views = [(image, model, method, target) for image in images]
    made = [one_panel(*view) for view in views if admitted(view[0].image, view[0].title)]
    return [panel for panel in made if panel is not None]


def stepped(panels: list[Panel]) -> list[Panel]:
    """The first panel and one of the others; two buttons change which."""
    others = len(panels) - 1
    if others < 1:
        return panels
    at = st.session_state.get("walk", 0) % others

    def step(by: int) -> None:
        st.session_state["walk"] = (at + by) % others

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Previous", icon=":material/arrow_back:", on_click=step, args=(-1,))
        st.button("Next", icon=":material/arrow_forward:", on_click=step, args=(1,))
        st.caption(f"{at + 1} of {others}, compared with the first")
    return [panels[0], panels[1 + at]]


@st.fragment
def show(panels: list[Panel], *, one_scale: bool) -> None:
    """The panels in a row, with one zoom and one look."""
    top = shared_top([panel.explanation for panel in panels if panel.explanation]) if one_scale else None
    label = "Heatmaps to compare: " + "; ".join(panel.title for panel in panels)
    show_viewer([replace(panel, top=top) for panel in panels], label=label, key="panels")


require_entry()
st.header("Compare heatmaps", anchor=False)
with show_errors():
    with st.sidebar:
        what = linked_select("Compare", WHAT, "compare")
        image = image_picker() if what != "images" else PickedImage(next(iter(available_images().values())).read(), "", True)
        model = model_picker() if what != "models" else next(iter(MODELS))
        method = DEFAULT_METHOD
        if what != "methods":
            method = linked_select("Method", {key: row.label for key, row in METHODS.items()}, "method")
        target = PREDICTED
        if what != "classes":
            classes = {PREDICTED: "Predicted class"} | {name: name for name in loaded_model(model).classes}
            target = linked_select("Class to explain", classes, "target")
    panels = panels_of(what, image, model, method, target)
    left, right = st.columns(2)
    one_scale = left.toggle(
        "Same scale for all",
        what != "methods",
        key=f"one_scale_{what}",
        help="Values of the same method can be compared. Different methods have different units.",
    )
    pinned = right.toggle("Keep the first and step through the others", key="walk_on")
    if panels:
        show(stepped(panels) if pinned else panels, one_scale=one_scale)
