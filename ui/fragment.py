"""Parts of a page that run again on their own."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

Arguments = ParamSpec("Arguments")


def fragment(run_every: float | None = None) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """`st.fragment` in a container that holds nothing else; every fragment of the dashboard is made with it.

    run_every: seconds between two runs; None runs it only when something inside is used.

    A fragment that starts before the browser was sent the page's run withdraws its own elements from that run. Streamlit
    addresses elements by their place among their neighbours, so all that follow in the same container would end one place
    too early, and the page would lose them with the error "Cannot set a node at a delta path".
    """

    def decorated(function: Callable[Arguments, None]) -> Callable[Arguments, None]:
        part = st.fragment(function, run_every=run_every)

        @wraps(function)
        def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
            with st.container():
                part(*args, **kwargs)

        return drawn

    return decorated
