"""Trust tests in a separate thread, so that the page stays responsive while they run."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final
from uuid import uuid4

import streamlit as st

from covid_model.backends.base import Progress

SESSION: Final = "background_session"


class UnwantedError(Exception):
    """Ends a job that no session needs any more."""


class Background:
    """One worker for all sessions. A job is a list of steps.

    Each step receives a progress function to call between its parts; the function raises UnwantedError when no session needs
    the job any more.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="trust")
        self._jobs: dict[Hashable, Future[None]] = {}
        self._wanted: dict[str, Hashable] = {}
        self._lock = threading.Lock()

    def want(self, session: str, key: Hashable, steps: list[Callable[[Progress], object]]) -> BaseException | None:
        """Run the job `key` instead of the one this session requested before; returns the exception if the job failed."""
        with self._lock:
            self._wanted[session] = key
            job = self._jobs.get(key)
            if job is None or (job.done() and job.exception() is None):
                self._jobs = {name: other for name, other in self._jobs.items() if not other.done()}
                self._jobs[key] = self._pool.submit(self._run, key, steps)
                return None
            return job.exception() if job.done() else None

    def _run(self, key: Hashable, steps: list[Callable[[Progress], object]]) -> None:
        def go_on(_: float) -> None:
            with self._lock:
                if key not in self._wanted.values():
                    raise UnwantedError

        try:
            for step in steps:
                go_on(0.0)
                step(go_on)
        except UnwantedError:
            return


@st.cache_resource
def background() -> Background:
    """The worker of this server."""
    return Background()


def session() -> str:
    """An identifier of this browser session."""
    name: str = st.session_state.setdefault(SESSION, uuid4().hex)
    return name
