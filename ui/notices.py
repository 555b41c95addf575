"""Messages that every page shows alike."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from covid_model.errors import CovidModelError

RESEARCH_USE = (
    "**Research software, not a medical device.** It does not diagnose, and nothing here is a reason to treat "
    "or not to treat."
)
PRIVACY = (
    "An uploaded image stays in this server's memory for your session and is never written to disk or logged. Do not upload "
    "images that identify a person to a hosted copy."
)


def research_notice() -> None:
    """The line above every page."""
    st.caption(RESEARCH_USE)


def privacy_notice() -> None:
    """What becomes of uploads, at the foot of the sidebar."""
    with st.sidebar:
        st.divider()
        st.caption(PRIVACY)


@contextmanager
def show_errors() -> Iterator[None]:
    """Show an error that this project raises on purpose as its one sentence; what comes after the block goes on."""
    try:
        yield
    except CovidModelError as error:
        st.error(str(error), icon=":material/error:")
