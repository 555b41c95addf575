"""Compare: methods, models, classes, images or pinned views side by side, or the first against each of the others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from covid_model.api.result import Result
from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.models.specs import MODELS
from covid_model.models.user_models import available_models
from covid_model.viewer.payload import shared_top
from ui.available_images import available_images
from ui.compare.pins import pinned_views, unpin
from ui.compare.views import View, later, panel_of, result_of, view_of, wait_for
from ui.explain.controls import (
    PREDICTED,
    PREDICTED_TITLE,
    PickedImage,
    image_picker,
    model_picker,
    picked_image,
    with_remedy,
)
from ui.explain.input_check import admitted
from ui.fragment import fragment
from ui.inert import inert
from ui.links import linked_multiselect, linked_select, repeat_in_address
from ui.loaders import loaded_model
from ui.menu import require_entry
from ui.notices import show_errors
from ui.viewer import show_viewer

WHAT: Final = {"methods": "Methods", "models": "Models", "classes": "Classes", "images": "Images", "pinned": "Pinned views"}
START: Final = {"methods": ["gradcam", "hirescam", "integratedgradients"], "models": list(MODELS)[:2]}

Shown = tuple[View, Result]


def choose(label: str, options: dict[str, str], start: Sequence[str]) -> list[str]:
    """Some of the options, or all of them by one click. Raises UnknownLinkError as `linked_multiselect` does."""
    offered, name = [key for key in start if key in options] or list(options)[:2], label.lower()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = linked_multiselect(label, options, name, offered)
        st.button(
            f"All {len(options)} {label.lower()}",
            icon=":material/select_all:",
            key=f"all_{label}",
            disabled=len(picked) == len(options),
            on_click=st.session_state.update,
            args=({f"{name}_choices": list(options)},),
        )
    return picked or offered[:1]


def views_of(what: str, picked: PickedImage, model: str, method: str, target: str) -> list[View]:
    """All views of the chosen comparison, titled by what differs."""
    if what == "pinned":
        return pinned()
    if what == "methods":
        labels = {key: row.label for key, row in METHODS.items()}
        return [view_of(picked, model, key, target, labels[key]) for key in choose("Methods", labels, START["methods"])]
    if what == "models":
        titles = available_models()
        return [view_of(picked, key, method, target, titles[key]) for key in choose("Models", titles, START["models"])]
    if what == "classes":
        names = loaded_model(model).classes
        return [view_of(picked, model, method, key, key) for key in choose("Classes", {name: name for name in names}, names)]
    offered = available_images()
    keys = choose("Images", {key: image.title for key, image in offered.items()}, list(offered)[:2])
    images = [with_remedy(picked_image(offered[key])) for key in keys]
    return [view_of(each, model, method, target, each.title) for each in images if admitted(each.image, each.title)]


def pinned() -> list[View]:
    """The views pinned on the Explain page."""
    views = pinned_views()
    if views:
        st.button("Remove all pins", icon=":material/keep_off:", key="unpin", on_click=unpin)
    else:
        st.info("Nothing is pinned yet. “Pin to compare” on the Explain page keeps a view here.", icon=":material/keep:")
    return views


def stepped(shown: list[Shown]) -> list[Shown]:
    """The first and one of the others; two buttons change which."""
    others = len(shown) - 1
    if others < 1:
        return shown
    at = st.session_state.get("walk", 0) % others

    def step(by: int) -> None:
        st.session_state["walk"] = (at + by) % others

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Previous", icon=":material/arrow_back:", on_click=step, args=(-1,))
        st.button("Next", icon=":material/arrow_forward:", on_click=step, args=(1,))
        st.caption(f"{at + 1} of {others}, compared with the first")
    return [shown[0], shown[1 + at]]


@fragment()
def show(shown: list[Shown], *, one_scale: bool) -> None:
    """The panels with one zoom and one look, each with what is known of it."""
    top = shared_top([result.explanation for _, result in shown]) if one_scale else None
    panels = [replace(panel_of(view, result, shown[0][1]), top=top) for view, result in shown]
    show_viewer(panels, label="Heatmaps to compare: " + "; ".join(panel.title for panel in panels), key="panels")


def options(what: str) -> tuple[bool, bool]:
    """(one scale?, walk?)."""
    left, right = st.columns(2)
    one_scale = left.toggle(
        "Same scale for all",
        what not in ("methods", "models", "pinned"),
        key=f"one_scale_{what}",
        help="Values of one method and one model can be compared. Other methods and models have other units.",
    )
    return one_scale, right.toggle("Keep the first and step through the others", key="walk_on")


require_entry()
st.header("Compare heatmaps", anchor=False)
with show_errors():
    with st.sidebar:
        what = linked_select("Compare", WHAT, "compare")
        for other in WHAT.keys() - {what, "pinned"}:
            repeat_in_address(other, [])
        own_image = what not in ("images", "pinned")
        image = image_picker() if own_image else PickedImage(next(iter(available_images().values())).read(), "", True)
        model = model_picker() if what not in ("models", "pinned") else next(iter(MODELS))
        method = DEFAULT_METHOD
        if what not in ("methods", "pinned"):
            method = linked_select("Method", {key: row.label for key, row in METHODS.items()}, "method")
        target = PREDICTED
        if what not in ("classes", "pinned"):
            classes = {PREDICTED: PREDICTED_TITLE} | {name: name for name in loaded_model(model).classes}
            target = linked_select("Class to explain", classes, "target")
    if own_image:
        st.caption(f"**{inert(image.title)}**")
    views = views_of(what, image, model, method, target) if not own_image or admitted(image.image, image.title) else []
    missing = later(views)
    shown = [(view, result) for view in views if view not in missing and (result := result_of(view)) is not None]
    if shown:
        one_scale, walk = options(what)
        show(stepped(shown) if walk else shown, one_scale=one_scale)
    if missing:  # what is fast is shown meanwhile
        wait_for(missing[0])
        st.rerun()
