"""Streamlit leaves Keras' session alone, and the way this is done fits the installed Streamlit."""

import inspect
import sys
from types import SimpleNamespace

import pytest
from streamlit.runtime.scriptrunner import script_runner

from ui.keras_session import CLEANER, keep_keras_session


def test_streamlit_still_clears_the_session_where_we_think_it_does() -> None:
    source = inspect.getsource(script_runner)
    assert f"(\n    {CLEANER})" in source or f"({CLEANER})" in source, "Streamlit changed: look how it calls its cleaner now"
    cleaner = source.split(f"def {CLEANER}(")[1].split("\ndef ")[0]  # a test before this one may have replaced the function
    assert "backend.clear_session()" in cleaner, "look where it clears the session now"


def test_a_run_of_a_page_leaves_the_session_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared = []
    stand_in = SimpleNamespace(backend=SimpleNamespace(clear_session=lambda: cleared.append(1)))
    monkeypatch.setitem(sys.modules, "keras", stand_in)
    monkeypatch.setattr(script_runner, CLEANER, getattr(script_runner, CLEANER))
    keep_keras_session()
    getattr(script_runner, CLEANER)()
    assert not cleared
