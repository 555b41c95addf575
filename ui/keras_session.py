"""Keep Streamlit from emptying Keras' session after every run of a page."""

from streamlit.runtime.scriptrunner import script_runner

CLEANER = "_clean_problem_modules"
"""Streamlit's function that calls `keras.backend.clear_session()`; a test fails when Streamlit renames or changes it."""


def keep_keras_session() -> None:
    """Take from Streamlit the call of `keras.backend.clear_session()` that it makes after every run of a page.

    It empties TensorFlow's kernel cache: every click would wait half a second longer, and work in another thread would
    hardly move. Nothing here needs it, since models are built once and kept. Matplotlib, the other module that the function
    cleans up after, is not used.
    """
    setattr(script_runner, CLEANER, lambda: None)
