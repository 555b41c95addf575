"""Choices that a link carries by their stable keys, not by their labels."""

from collections.abc import Mapping

import streamlit as st


def linked_select(label: str, options: Mapping[str, str], name: str, *, help: str | None = None, off: bool = False) -> str:
    """A select box over `options` (key -> label) whose key stands in the address as `?name=key`; the first is the default.

    Streamlit's own binding would put the label there, and a reworded label would break every link. A key in the address
    that is not offered falls back to the default, which is left out of the address.
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
