"""Answers leave the server at once, each message for itself."""

import os
import socket
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

OPEN: Final = Path("/dev/fd")
"""Lists what this process has open; not there on Windows."""


@cache
def send_at_once() -> None:
    """Switch Nagle's algorithm off for the server's listening socket, which its connections inherit, and for those open.

    Streamlit binds its socket without naming the protocol, and asyncio then leaves the algorithm on: a message waits until
    the browser has confirmed the one before, 40 ms with delayed confirmations (github.com/Kludex/uvicorn/issues/3149).
    """
    with suppress(OSError):
        for path in list(OPEN.iterdir()):
            with suppress(OSError):  # closed meanwhile, as the listing itself is
                _send_at_once(int(path.name))


def _send_at_once(descriptor: int) -> None:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return
    with socket.socket(fileno=os.dup(descriptor)) as found:  # a copy, so that its end leaves the server's open
        if found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
