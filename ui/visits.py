"""What a session has chosen on all pages together, and when the address has a say in it."""

from dataclasses import dataclass, field
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

STATE: Final = "choices"


@dataclass
class Choices:
    """What a session has chosen, on whichever page.

    chosen: parameter -> key. several: parameter -> keys, where many can be chosen. named: parameter -> key or keys that the
    last link named. visit: counts page switches and steps through the browser's history; only then does the address decide.
    back: was the last such step one through the history of one page? seen: parameter -> the visit in which its address was
    read. defaults: parameter -> the default of its box in the last run. written: parameter -> its values in the address,
    as a box of the page wrote them in this visit.
    """

    chosen: dict[str, str] = field(default_factory=dict)
    several: dict[str, list[str]] = field(default_factory=dict)
    named: dict[str, str | list[str]] = field(default_factory=dict)
    page: str | None = None
    visit: int = 0
    back: bool = False
    seen: dict[str, int] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    written: dict[str, list[str]] = field(default_factory=dict)

    def is_new(self, name: str) -> bool:
        """Is the address still to be read for this parameter?"""
        return self.seen.get(name) != self.visit


def choices_of_session() -> Choices:
    """The choices of this browser session."""
    found: Choices = st.session_state.setdefault(STATE, Choices())
    return found


def note_visit() -> None:
    """Note which page runs, and how it was reached; called once a run, before the page."""
    choices, context = choices_of_session(), get_script_run_ctx()
    if context is None:
        return
    page, through_history = context.page_script_hash, context.is_history_navigation
    if through_history or page != choices.page:
        choices.back = through_history and page == choices.page
        choices.page, choices.visit, choices.written = page, choices.visit + 1, {}
