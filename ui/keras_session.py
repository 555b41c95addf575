"""Keep Streamlit from clearing the Keras session after every run of a page."""

from streamlit.runtime.scriptrunner import script_runner

CLEANER = "_clean_problem_modules"
"""Streamlit's function that calls `keras.backend.clear_session()`; a test fails when Streamlit renames or changes it."""


def keep_keras_session() -> None:
    """Disable the call of `keras.backend.clear_session()` that Streamlit makes after every run of a page.

    The call empties TensorFlow's kernel cache: every click would take half a second longer, and work in another thread would
    almost stop. It is not needed here, since models are built once and kept. The function also cleans up after Matplotlib,
    which is not used.
    """
    setattr(script_runner, CLEANER, lambda: None)
