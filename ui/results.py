"""Results cached across reruns and sessions, and slow work with progress and a cancel button.

`st.cache_data` does not fit: it copies what it returns, and a progress bar cannot be updated from inside it.
"""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Final, TypeVar

import numpy as np
import streamlit as st
from cachetools import LRUCache

from covid_model.backends.base import Progress
from covid_model.errors import HostError
from covid_model.settings import MOST_AT_WORK, is_public_host
from ui.fragment import make_way

T = TypeVar("T")

CANCELLED: Final = "cancelled"
"""In the session: keys of the results that its visitor does not want to wait for."""

MOST: Final = 128_000_000
"""Bytes of arrays kept for all sessions together; a heatmap of a large image takes about 20 MB."""
SMALLEST: Final = 2_000
"""Bytes counted for any result, so that small results are limited too."""


def array_bytes(value: object) -> int:
    """Bytes of all arrays and byte strings in a dataclass, tuple or mapping, including nested ones."""
    if isinstance(value, str | float | int):  # most of a record; the questions below are slower
        return 0
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, bytes):
        return len(value)
    parts: Iterable[object] = ()
    if isinstance(value, tuple):
        parts = value
    elif isinstance(value, Mapping):
        parts = value.values()
    elif is_dataclass(value):
        parts = (getattr(value, part.name) for part in fields(value))
    return sum(map(array_bytes, parts))


def size_of(value: object) -> int:
    """Bytes counted for one result."""
    return SMALLEST + array_bytes(value)


class ResultCache:
    """Results by key, up to `most` bytes; the least recently used are dropped first. Thread-safe.

    Results are shared and must not be changed. The newest is kept even if it alone exceeds the limit.
    """

    def __init__(self, most: int = MOST) -> None:
        self._lock, self._busy = threading.Lock(), set[int]()
        self._found: LRUCache[Hashable, object] = LRUCache(most, getsizeof=lambda value: min(most, size_of(value)))

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._found

    def get(self, key: Hashable) -> object | None:
        """The result of `key`, or None."""
        with self._lock:
            return self._found.get(key)

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of `key`, made if it is missing. Exceptions of `make` are not cached.

        Raises HostError where a public copy works on MOST_AT_WORK others.
        """
        with self._lock:
            if key in self._found:
                return self._found[key]  # type: ignore[return-value]
        with self._at_work():
            made = make()
        with self._lock:
            self._found[key] = made
        return made

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Count this thread among those that make a result; one result may need another."""
        thread = threading.get_ident()
        with self._lock:
            within_another = thread in self._busy
            if not within_another and is_public_host() and len(self._busy) >= MOST_AT_WORK:
                raise HostError(f"This copy works on {MOST_AT_WORK} answers for other visitors; try again in a minute.")
            self._busy.add(thread)
        try:
            yield
        finally:
            if not within_another:
                with self._lock:
                    self._busy.discard(thread)


@st.cache_resource
def results() -> ResultCache:
    """The results of this server."""
    return ResultCache()


def run_with_progress(key: Hashable, label: str, make: Callable[[Progress], T]) -> T | None:
    """A slow result with a progress bar and a cancel button; None while it is cancelled.

    Like any click, the button interrupts the script at the bar's next step, in a fragment too; the session then remembers
    that this result is cancelled until the user starts it again.
    """
    store, cancelled = results(), st.session_state.setdefault(CANCELLED, set())
    if key in store:
        return store.get_or_make(key, lambda: make(lambda _: None))
    if key in cancelled:
        st.info(f"{label} was cancelled.", icon=":material/cancel:")
        st.button(f"Run {label} anyway", on_click=cancelled.discard, args=(key,), key=f"uncancel_{hash(key)}")
        return None
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, f"{label} …")
        st.button("Cancel", on_click=cancelled.add, args=(key,), key=f"cancel_{hash(key)}")  # one page may wait for several

    def show_progress(share: float) -> None:
        bar.progress(min(1.0, share), f"{label} …")
        make_way()

    made = store.get_or_make(key, lambda: make(show_progress))
    place.empty()
    return made
