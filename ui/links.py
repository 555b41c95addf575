"""Choices that links store by stable keys instead of labels."""

from collections.abc import Mapping

import streamlit as st

from covid_model.explain.methods import METHODS
from covid_model.models.user_models import available_models
from ui.available_images import available_images


def explain_params(**wanted: str) -> dict[str, str]:
    """Parameters of a link to the Explain page, by name (image, model, method), without the page's defaults.

    The page removes defaults from the address, and that extra step would break the browser's Back button.
    """
    defaults = {
        "image": next(iter(available_images())),
        "model": next(iter(available_models())),
        "method": next(iter(METHODS)),
    }
    return {name: value for name, value in wanted.items() if value != defaults[name]}


def linked_select(label: str, options: Mapping[str, str], name: str, *, help: str | None = None, off: bool = False) -> str:
    """A select box of `options` (key -> label) whose key is kept in the address as `?name=key`; the first is the default.

    Streamlit's own binding would store the label, and a reworded label would break every link. An unknown key in the
    address falls back to the default, which the address omits.
    """
    keys = list(options)
    state = f"{name}_choice"
    if st.session_state.get(state) not in options:
        wanted = st.query_params.get(name, keys[0])
        st.session_state[state] = wanted if wanted in options else keys[0]
    chosen = st.selectbox(label, keys, format_func=options.__getitem__, key=state, help=help, disabled=off)
    if chosen == keys[0]:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = chosen
    return chosen
