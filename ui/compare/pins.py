"""Views pinned on the Explain page: kept in the session, and in the address of the page that compares them."""

from typing import Final
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from covid_model.explain.methods import METHODS
from covid_model.explain.options import Option, Setting
from covid_model.explain.target import resolve_target
from covid_model.models.user_models import available_models
from ui.available_images import available_images, image_of_manifest
from ui.compare.views import View
from ui.explain.controls import PickedImage, picked_image, with_remedy
from ui.links import UnknownLinkError, newly_named, repeat_in_address
from ui.loaders import HowToExplain, loaded_model
from ui.visits import choices_of_session

PINNED: Final = "pinned_views"
"""In the session: the pinned views, in order."""
PARAMETER: Final = "pin"
FIELDS: Final = ("image", "model", "method", "target", "layer")
"""What one value of the parameter says, with the method's settings beside it."""


def pin_button(picked: PickedImage, model: str, how: HowToExplain) -> None:
    """A button that keeps this view for the Compare page; the Explain page shows it."""
    pinned: list[View] = st.session_state.setdefault(PINNED, [])
    view = _view(picked, model, how)
    there = any(kept.title == view.title and kept.how == how for kept in pinned)
    st.button(
        "Pinned" if there else "Pin to compare",
        icon=":material/keep:",
        key="pin",
        disabled=there,
        on_click=pinned.append,
        args=(view,),
    )


def pinned_views() -> list[View]:
    """The views of a new link, else those pinned in this session; the address repeats all that a link can name.

    Raises CovidModelError for a link to a view that does not exist here.
    """
    if newly_named(PARAMETER) is not None:
        st.session_state[PINNED] = [view_named(text) for text in st.query_params.get_all(PARAMETER)]
    choices = choices_of_session()
    choices.seen[PARAMETER] = choices.visit
    views: list[View] = st.session_state.get(PINNED, [])
    repeat_in_address(PARAMETER, [text_of(view) for view in views if view.picked.key])
    return list(views)


def unpin() -> None:
    """Forget all pinned views."""
    st.session_state.pop(PINNED, None)


def text_of(view: View) -> str:
    """A view whose image a link can name, as one value of the address."""
    how = view.how
    values = (view.picked.key, view.model, how.method, how.target, how.layer)
    return urlencode([*zip(FIELDS, values, strict=True), *how.options])


def view_named(text: str) -> View:
    """The view that `text_of` wrote. Raises CovidModelError, naming it, for what does not exist here."""
    cells = dict(parse_qsl(text))
    key, model, method, target, layer = (cells.pop(name, "") for name in FIELDS)
    offered = available_images().get(key) or image_of_manifest(key)
    if offered is None:
        raise _unknown("image", key)
    if model not in available_models():
        raise _unknown("model", model)
    if method not in METHODS:
        raise _unknown("method", method)
    loaded = loaded_model(model)
    resolve_target(target, loaded.classes, loaded.classifier.forward.units, loaded.card.head)
    if layer not in loaded.layers:
        raise _unknown("layer", layer)
    settings = tuple((each.name, _setting(each, cells[each.name])) for each in METHODS[method].options if each.name in cells)
    return _view(with_remedy(picked_image(offered)), model, HowToExplain(method, target, layer, settings))


def _view(picked: PickedImage, model: str, how: HowToExplain) -> View:
    title = f"{METHODS[how.method].label}, {loaded_model(model).card.title}, {how.target}, {picked.title}"
    return View(picked, model, how, title)


def _setting(option: Option, text: str) -> Setting:
    try:
        return option.checked(text if option.choices else float(text))
    except ValueError:
        raise _unknown(f"{option.label.lower()} ", text) from None


def _unknown(word: str, name: str) -> UnknownLinkError:
    return UnknownLinkError(f"This link names the {word} “{name[:80]}”, which is not available here; pin the view anew.")
