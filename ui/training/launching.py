"""Wait for a training process that this page started, and show an error if it does not begin."""

from typing import Final

import streamlit as st

from covid_model.training.process import Launched
from ui.fragment import fragment
from ui.inert import inert, inert_message
from ui.links import choose

AWAITED: Final = "awaited_run"
"""In the session: the training process that was started and has not begun yet."""

RUN: Final = "run"
"""The address's name of the run on show."""


def await_run(launched: Launched) -> None:
    """Have `wait_for_run` watch it."""
    st.session_state[AWAITED] = launched


@fragment(run_every=1.0)
def wait_for_run() -> None:
    """Show that training is starting; then show its run, or why it failed."""
    launched: Launched | None = st.session_state.get(AWAITED)
    if launched is None:
        return
    name = launched.run.name
    if launched.has_begun():
        del st.session_state[AWAITED]
        choose(RUN, name)
        st.rerun()
    elif (why := launched.failure()) is not None:
        st.error(f"{inert(name)} did not start. {inert_message(why)}", icon=":material/error:")
    else:
        st.info(f"{inert(name)} is starting; loading TensorFlow takes a few seconds …", icon=":material/hourglass_top:")
