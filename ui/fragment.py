"""Parts of a page that run again on their own."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, wraps
from typing import Final, ParamSpec

import streamlit as st
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import FragmentStorage
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

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
            # In another place with a timer than without: inside another fragment, Streamlit stops a timer only where the
            # part that had it is no longer there.
            with st.container(), st.container() if run_every else nullcontext():
                part(*args, **kwargs)

        return drawn

    return decorated


def make_way() -> None:
    """Between the parts of long work in a fragment: run the whole page, if the visitor has used a widget meanwhile.

    Streamlit lets what runs come to its end before a fragment that was asked for, a minute's work too.
    """
    context = get_script_run_ctx()
    requests = context.script_requests if context else None
    if requests is not None and requests._state == ScriptRequestType.RERUN:
        st.rerun()


CLEARER: Final = "_clear_queue"
"""Streamlit's method that withdraws; a test fails where it is gone."""


def with_those_inside(queue: ForwardMsgQueue, storage: FragmentStorage, fragments: list[str]) -> list[str]:
    """The fragments, and all inside them that have elements in the queue to the browser."""
    queued = {message.delta.fragment_id for message in queue._queue if message.HasField("delta")}
    return [*fragments, *(one for one in sorted(queued) if one and storage.has_ancestor_in(one, fragments))]


@cache
def withdraw_inner_fragments() -> None:
    """Have a fragment that starts early withdraw what the fragments inside it have queued, along with its own elements.

    Streamlit withdraws only the fragment's own, among them the containers of the inner ones, and what these have queued
    would come to the browser without a place.
    """
    clear = AppSession._clear_queue

    def cleared(session: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
        if fragment_ids_this_run:
            queue, storage = session._browser_queue, session._fragment_storage
            fragment_ids_this_run = with_those_inside(queue, storage, fragment_ids_this_run)
        clear(session, fragment_ids_this_run)

    setattr(AppSession, CLEARER, cleared)
