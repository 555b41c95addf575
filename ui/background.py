"""Trust tests in a thread of their own, so that the page stays responsive while they run."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final
from uuid import uuid4

import streamlit as st

from covid_model.backends.base import Progress

SESSION: Final = "background_session"


class UnwantedError(Exception):
    """Ends a job that no session wants any more."""


class Background:
    """One worker for all sessions. A job is a row of steps.

    Each step is given a progress to call between its parts; it raises UnwantedError when no session wants the job any more.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="trust")
        self._jobs: dict[Hashable, Future[None]] = {}
        self._wanted: dict[str, Hashable] = {}
        self._lock = threading.Lock()

    def want(self, session: str, key: Hashable, steps: list[Callable[[Progress], object]]) -> BaseException | None:
        """See that the job `key` runs, in place of whatever this session wanted before; returns what it failed with."""
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
    """A name for this browser session."""
    name: str = st.session_state.setdefault(SESSION, uuid4().hex)
    return name
