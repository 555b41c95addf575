"""What a server does as it starts, so that its first visitor does not wait for it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner_utils import script_run_context

from covid_model.errors import CovidModelError

THREAD: Final = "warm-up"


@asynccontextmanager
async def warm_up(_: st.App) -> AsyncIterator[None]:
    """Around the server's life: it answers at once, and prepares the first answer in a thread of its own."""
    # Spinners of cached functions have no page to appear on here, and Streamlit would log a warning for each.
    logging.getLogger(script_run_context.__name__).addFilter(lambda record: record.threadName != THREAD)
    Thread(target=prepare_first_answer, name=THREAD, daemon=True).start()
    yield


def prepare_first_answer() -> None:
    """Import what the Explain page needs, and predict for the image and the model that it opens with.

    What cannot be read is left to the page, which says so.
    """
    from covid_model.memory import spare_memory

    spare_memory()
    import ui.explain.explained  # noqa: F401
    from covid_model.models.user_models import available_models
    from ui.available_images import available_images
    from ui.loaders import cached_prediction

    with suppress(CovidModelError):
        image = next(iter(available_images().values())).read()
        cached_prediction(next(iter(available_models())), image)
