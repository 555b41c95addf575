"""How a server gives memory back to the system, which engines and the C library would keep."""

import ctypes
from contextlib import suppress
from threading import Event
from typing import Final

MALLOPT: Final = {-8: 2, -3: 32 * 2**20, -1: 256 * 2**20}
"""Options of glibc's `mallopt`. M_ARENA_MAX: heaps that all threads share, which would else be one for each of Streamlit's
many threads. M_MMAP_THRESHOLD, M_TRIM_THRESHOLD: bytes up to which freed memory is used again without asking the system.
"""

_sparing = Event()


def spare_memory() -> None:
    """For servers, before the first pass: engines keep no memory of their own between passes.

    ONNX Runtime's own pool keeps what its largest batch took, 90 MB a network; without it, the next pass finds its memory in
    the C library, as fast, until `return_memory`. Of several calls only the first has an effect; none where the C library
    is not glibc.
    """
    if not _sparing.is_set():
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            for option, value in MALLOPT.items():
                library.mallopt(option, value)
            _sparing.set()


def is_sparing() -> bool:
    """Was `spare_memory` called?"""
    return _sparing.is_set()


def return_memory() -> None:
    """Return free pages to the system; best after work that took much. Without effect where the C library is not glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
