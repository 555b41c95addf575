"""What if: change part of the image and see how probabilities and heatmap change. Nothing is stored."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method
from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.models.predict import Prediction
from covid_model.trust.edits import EDITS, Edit, edited
from covid_model.viewer.payload import Panel
from ui.fragment import fragment
from ui.inert import inert, inert_figure
from ui.loaders import loaded_model
from ui.viewer import show_viewer

REGION: Final = {"whatif_across": (0.75, 0.95), "whatif_down": (0.05, 0.2)}
"""Where markers are common: the patient's upper left, which is the image's upper right."""


def _take_selection() -> None:
    """Move the sliders to the rectangle drawn on the image, or around the point clicked."""
    event: Mapping[str, Any] = st.session_state.get("whatif_image") or {}
    chosen = event.get("selection", {})
    boxes, points = chosen.get("box", []), chosen.get("points", [])
    if boxes:
        across, down = sorted(boxes[0]["x"]), sorted(boxes[0]["y"])
        found = {"whatif_across": (across[0], across[1]), "whatif_down": (down[0], down[1])}
    elif points:
        x, y = points[0]["x"], points[0]["y"]
        found = {"whatif_across": (x - 0.08, x + 0.08), "whatif_down": (y - 0.06, y + 0.06)}
    else:
        return
    for key, (low, high) in found.items():
        st.session_state[key] = (round(max(0.0, low), 2), round(min(1.0, high), 2))


def _undo() -> None:
    del st.session_state["whatif_edits"][-1]


def _edits(image: XrayImage) -> list[Edit]:
    """This session's edits of this image; another image starts without any."""
    if st.session_state.get("whatif_digest") != image.digest:
        st.session_state["whatif_digest"], st.session_state["whatif_edits"] = image.digest, []
    edits: list[Edit] = st.session_state["whatif_edits"]
    return edits


@fragment()
def what_if(model: str, image: XrayImage, prediction: Prediction, found: Explanation) -> None:
    """Choose a rectangle by drawing, clicking or sliders, change it, and compare."""
    st.caption(
        "Draw a rectangle on the image, click, or use the sliders; then change the area inside. The lung outline stays the "
        "same, so that only the classifier's input changes. Nothing is stored."
    )
    edits = _edits(image)
    changed = image.altered(edited(image.pixels, edits)) if edits else image
    left, right = st.columns([2, 3], gap="large")
    with left:
        region = _region_picker(changed)
        _buttons(edits, region)
    with right:
        if edits:
            show_change(model, image, changed, prediction, found)
        else:
            st.info("No changes yet.", icon=":material/draw:")


def _region_picker(image: XrayImage) -> tuple[float, float, float, float]:
    """The rectangle as (top, left, bottom, right), fractions of the image; image and sliders stay in sync."""
    for key, start in REGION.items():
        st.session_state.setdefault(key, start)
    (left, right), (top, bottom) = st.session_state["whatif_across"], st.session_state["whatif_down"]
    from covid_model.plots.selectable import selectable_image

    figure = selectable_image(displayed(image.pixels), (top, left, bottom, right))
    st.plotly_chart(
        inert_figure(figure),
        key="whatif_image",
        on_select=_take_selection,
        selection_mode=("box", "points"),
        config={"displayModeBar": False},
        alt="The image with the chosen rectangle",
    )
    st.slider("Horizontal range", 0.0, 1.0, step=0.01, key="whatif_across")
    st.slider("Vertical range", 0.0, 1.0, step=0.01, key="whatif_down")
    return top, left, bottom, right


def _buttons(edits: list[Edit], region: tuple[float, float, float, float]) -> None:
    """One button for each kind of edit, and buttons to undo and reset."""
    with st.container(horizontal=True):
        for key, kind in EDITS.items():
            st.button(kind.label, key=f"whatif_{key}", on_click=lambda kind=key: edits.append(Edit(kind, *region)))
    with st.container(horizontal=True):
        st.button("Undo", icon=":material/undo:", key="whatif_undo", disabled=not edits, on_click=_undo)
        st.button("Reset", key="whatif_clear", disabled=not edits, on_click=edits.clear)


def show_change(model: str, original: XrayImage, changed: XrayImage, prediction: Prediction, found: Explanation) -> None:
    """Probabilities with their changes, and the new heatmap on the same scale as the old one."""
    loaded = loaded_model(model)
    after = loaded.predict_altered(changed, prediction)
    with st.container(horizontal=True):
        for name, before in prediction.probabilities.items():
            moved = 100 * (after.probabilities[name] - before)
            st.metric(inert(name), f"{after.probabilities[name]:.0%}", f"{moved:+.1f} points", delta_color="off")
    if set(after.called) != set(prediction.called):
        st.warning(
            f"The prediction changes from {inert(prediction.called_text)} to {inert(after.called_text)}.",
            icon=":material/swap_horiz:",
        )
    row = get_method(found.method)
    if row.slow:
        st.caption(f"{row.label} is too slow for this; choose a faster method to see how the heatmap changes.")
        return
    again = loaded.explain(
        changed,
        found.method,
        found.target,
        layer=found.layer if row.needs_layer else None,
        prediction=after,
        options=found.options,
    )
    top, on_scale = found.top, "the change, on the same scale"
    panels = [
        Panel.of("Before", f"Before {on_scale}", original, prediction, found, top=top),
        Panel.of("After", f"After {on_scale}", changed, after, again.explanation, top=top),
    ]
    show_viewer(panels, label=f"Heatmaps for {found.target} before and after {on_scale}.", key="whatif_pictures")
