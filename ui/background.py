"""Trust tests in a separate thread, for as long as somebody looks at the heatmap that they test."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from covid_model.backends.base import Progress
from covid_model.memory import return_memory
from covid_model.threads import stand_back

PATIENCE: Final = 10.0
"""Seconds after which a wish that was not renewed lapses: its page was left, or its browser sleeps."""
YIELD: Final = 2.0
"""Seconds that work lets a page run by itself at most, each time that it reports progress."""

RECENT: Final = 10
"""Jobs whose durations say how long the next one takes."""
REST: Final = 0.25
"""Seconds without a page that runs before a new job begins, so that who clicks from class to class waits for no test."""

Step = Callable[[Progress], object]


class UnwantedError(Exception):
    """Ends a job that no session needs any more."""


@dataclass(eq=False)
class _Job:
    steps: list[Step]
    done: int = 0
    error: BaseException | None = None
    used: float = 0.0

    @property
    def is_open(self) -> bool:
        """Is there a step left to do?"""
        return self.error is None and self.done < len(self.steps)


@dataclass(frozen=True)
class Queue:
    """others: sessions that wait for another job. seconds: until the session's job is done, None before any job was."""

    others: int
    seconds: float | None


@dataclass(eq=False)
class _Wish:
    """What one session looks at. used: seconds of work done for it. renewed: when it last said that it looks."""

    key: Hashable
    used: float
    renewed: float


class Background:
    """One worker for all sessions; each has one wish, its newest. A job is a list of steps, shared by all who want it.

    The worker stands back: a click that meets it at work has the cores first. A job begins once no page has run for REST.
    The next step is for the session that got the least time so far, and of equals for the newest wish. A step receives a
    progress function to call between its parts, which waits while a page runs (`page_runs`) and raises UnwantedError once no
    session wants the job: each wants another, has ended, or has not renewed its wish.

    Example:
        >>> done = []
        >>> Background().want("me", "job", [lambda progress: done.append("a step")])
    """

    def __init__(
        self, is_active: Callable[[str], bool] = lambda _: True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """is_active: does a session still exist? clock: seconds, for wishes and for the time a session has used."""
        self._is_active, self._clock = is_active, clock
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="trust", initializer=stand_back)
        self._jobs: dict[Hashable, _Job] = {}
        self._wishes: dict[str, _Wish] = {}  # the newest last
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._working, self._pages = False, 0
        self._page_ended = -REST + clock()
        self._changed = threading.Condition()

    def want(self, session: str, key: Hashable, steps: list[Step]) -> BaseException | None:
        """Say that the session looks at the job `key`, and at no other; returns the exception if the job failed.

        A wish lapses unless this is called again within PATIENCE. A failed job runs again once nobody has looked at it.
        """
        with self._changed:
            self._forget()
            wish = self._wishes.get(session)
            if wish is None or wish.key != key:
                least = min((other.used for other in self._wishes.values()), default=0.0)
                wish = self._wishes.pop(session, None) or _Wish(key, least, self._clock())
                wish.key = key
                self._wishes[session] = wish
                self._forget()
            wish.renewed = self._clock()
            job = self._jobs.get(key)
            if job is None or job.done == len(job.steps):  # done, and yet wanted: its results were dropped since
                job = self._jobs[key] = _Job(steps)
            if not self._working and self._next() is not None:
                self._working = True
                self._pool.submit(self._work)
            return job.error

    def queue(self, session: str) -> Queue:
        """What the session waits for beside its own job: shares are equal, so each other one takes as long again."""
        with self._changed:
            self._forget()
            mine = self._wishes.get(session)
            keys = {wish.key for wish in self._wishes.values() if self._jobs[wish.key].is_open}
            others = len(keys - {mine.key if mine else None})
            usual = sum(self._durations) / len(self._durations) if self._durations else None
            used = self._jobs[mine.key].used if mine else 0.0
            return Queue(others, None if usual is None else max(0.0, usual - used) * (others + 1))

    @contextmanager
    def page_runs(self) -> Iterator[None]:
        """While the block runs, work waits between its parts, so that a click does not share its cores."""
        with self._changed:
            self._pages += 1
        try:
            yield
        finally:
            with self._changed:
                self._pages -= 1
                self._page_ended = self._clock()
                self._changed.notify_all()

    def _forget(self) -> None:
        """Drop wishes that lapsed or whose session has ended, and jobs that nobody wants."""
        oldest = self._clock() - PATIENCE
        for session, wish in list(self._wishes.items()):
            if wish.renewed < oldest or not self._is_active(session):
                del self._wishes[session]
        wanted = {wish.key for wish in self._wishes.values()}
        self._jobs = {key: job for key, job in self._jobs.items() if key in wanted}

    def _next(self) -> tuple[_Wish, _Job] | None:
        """The wish that is next, with its job; None where nothing is left to do."""
        open_wishes = [wish for wish in reversed(self._wishes.values()) if self._jobs[wish.key].is_open]
        if not open_wishes:
            return None
        wish = min(open_wishes, key=lambda wish: wish.used)
        return wish, self._jobs[wish.key]

    def _work(self) -> None:
        """Run step after step until nobody wants anything."""
        while True:
            with self._changed:
                self._forget()
                found = self._next()
                if found is None:
                    self._working = False
            if found is None:
                return_memory()
                return
            wish, job = found
            start = self._clock()
            try:
                if job.done == 0:
                    self._rest()
                self._go_on(job)
                job.steps[job.done](lambda _, job=job: self._go_on(job))  # type: ignore[misc]
                job.done += 1
            except UnwantedError:
                pass
            except Exception as error:  # shown on the page of whoever wanted it
                job.error = error
            took = self._clock() - start
            wish.used += took
            job.used += took
            if job.done == len(job.steps):
                self._durations.append(job.used)

    def _rest(self) -> None:
        """Wait until no page has run for REST, YIELD seconds at most."""
        end = time.monotonic() + YIELD
        with self._changed:
            while (left := end - time.monotonic()) > 0:
                still = self._page_ended + REST - self._clock()
                if self._pages == 0 and still <= 0:
                    return
                self._changed.wait(left if self._pages else min(left, still))

    def _go_on(self, job: _Job) -> None:
        """Let pages that run finish; raises UnwantedError where nobody wants the job."""
        with self._changed:
            self._changed.wait_for(lambda: self._pages == 0, YIELD)
            self._forget()
            if job not in self._jobs.values():
                raise UnwantedError


def is_active_session(session: str) -> bool:
    """Is a browser connected to the session? True outside a server, as in tests of a page."""
    return not Runtime.exists() or Runtime.instance().is_active_session(session)


@st.cache_resource
def background() -> Background:
    """The worker of this server."""
    return Background(is_active_session)


def session() -> str:
    """The identifier of this browser session."""
    context = get_script_run_ctx()
    return context.session_id if context else ""
