"""Wait for a trainer that was started from this page, and say so when it does not begin."""

from typing import Final

import streamlit as st

from covid_model.training.process import Launched

AWAITED: Final = "awaited_run"
"""In the session: the trainer that was started and has not begun yet."""


def await_run(launched: Launched) -> None:
    """Have `wait_for_run` look after it."""
    st.session_state[AWAITED] = launched


@st.fragment(run_every=1.0)
def wait_for_run() -> None:
    """Until the trainer begins: say so; then show its run, or why it ended before."""
    launched: Launched | None = st.session_state.get(AWAITED)
    if launched is None:
        return
    name = launched.run.name
    if launched.has_begun():
        del st.session_state[AWAITED]
        st.session_state["run"] = name
        st.rerun()
    elif (why := launched.failure()) is not None:
        st.error(f"{name} did not start. {why}", icon=":material/error:")
    else:
        st.info(f"{name} is starting; TensorFlow takes some seconds …", icon=":material/hourglass_top:")
