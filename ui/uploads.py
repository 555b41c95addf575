"""How many images a visitor of a public copy may upload."""

import threading
import time
from collections.abc import Callable
from typing import Final

import streamlit as st

from covid_model.errors import HostError
from covid_model.settings import UPLOADS_PER_MINUTE, is_public_host
from ui.background import session

MINUTE: Final = 60.0


class UploadLimit:
    """Counts the different images of each visitor within a minute. Thread-safe; visitors are forgotten after a minute."""

    def __init__(self, most: int = UPLOADS_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._times: dict[str, dict[str, float]] = {}

    def admit(self, visitor: str, digest: str) -> None:
        """Count an upload, by the digest of its bytes; the same one counts once.

        Raises HostError above the limit, on a public copy only.
        """
        if not is_public_host():
            return
        with self._lock:
            now = self._clock()
            recent = ((who, {key: at for key, at in seen.items() if now - at < MINUTE}) for who, seen in self._times.items())
            self._times = {who: seen for who, seen in recent if seen}
            seen = self._times.setdefault(visitor, {})
            if digest not in seen and len(seen) >= self._most:
                wait = MINUTE - (now - min(seen.values()))
                raise HostError(
                    f"A public copy takes {self._most} images a minute from one visitor; the next in {wait:.0f} s."
                )
            seen.setdefault(digest, now)


@st.cache_resource
def uploads() -> UploadLimit:
    """The limit of this server."""
    return UploadLimit()


def visitor() -> str:
    """Who uploads: the account where visitors sign in, else the browser session."""
    return str(st.user.get("sub") or session())
