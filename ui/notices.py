"""Messages that all pages share."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from covid_model.errors import CovidModelError, system_sentence
from ui.inert import inert_message

RESEARCH_USE = "**Research software, not a medical device.** It does not diagnose. Do not base treatment decisions on it."
PRIVACY = (
    "An uploaded image stays in this server's memory during your session and is never written to disk or logged. Do not "
    "upload images that identify a person to a hosted copy."
)


def research_notice() -> None:
    """The notice above every page."""
    st.caption(RESEARCH_USE)


def privacy_notice() -> None:
    """What happens to uploads, at the bottom of the sidebar."""
    with st.sidebar:
        st.caption(PRIVACY)


@contextmanager
def show_errors() -> Iterator[None]:
    """Show an error of this project, or of the disk, as one sentence; code after the block still runs."""
    try:
        yield
    except CovidModelError as error:
        st.error(inert_message(error), icon=":material/error:")
    except OSError as error:  # a full disk or a folder that is read-only
        st.error(inert_message(system_sentence(error)), icon=":material/error:")
