"""Give memory that work has freed back to the system."""

import ctypes
from contextlib import suppress
from typing import Final

ARENAS: Final = 2
"""Heaps of the C library. By default each of Streamlit's many threads may begin another, and none shrinks in the middle."""
M_ARENA_MAX: Final = -8
"""Number of that option in glibc's `mallopt`."""


def share_heaps() -> None:
    """Let all threads share ARENAS heaps. Without effect where the C library is not glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def return_memory() -> None:
    """Return free pages to the system, which glibc keeps otherwise. Without effect where the C library is not glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
