"""TensorFlow takes seconds to start: it does so in the background, once a first answer is on the screen."""

import gc
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from covid_model.backends.tensorflow import start_tensorflow


@st.cache_resource(show_spinner=False)
def _start() -> Future[None]:
    """The one start of this server."""
    return ThreadPoolExecutor(1, thread_name_prefix="tensorflow").submit(_started)


def _started() -> None:
    """Start TensorFlow, and spare the garbage collector what is there for good, before it and with it.

    Streamlit collects all garbage after every run of a page: 50 ms for this program's modules, 0.2 s with TensorFlow's.
    """
    gc.freeze()
    start_tensorflow()
    gc.freeze()


def is_starting() -> bool:
    """Is TensorFlow on its way? The first call begins to start it; none waits."""
    return not _start().done()


def wait_for_tensorflow() -> None:
    """Return once TensorFlow is there; says so on the page while it is not."""
    if is_starting():
        with st.spinner("Starting TensorFlow …"):
            _start().result()
