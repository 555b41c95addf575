"""The server's connections send each message at once, those open already and those that follow."""

import socket
import sys
from pathlib import Path

import pytest

from ui.sockets import OPEN, send_at_once


def waits(connection: socket.socket) -> bool:
    """Does a message wait for the confirmation of the one before?"""
    return not connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(sys.platform != "linux", reason="connections inherit it on Linux")
def test_connections_of_a_socket_bound_without_a_protocol_wait_no_longer() -> None:
    with socket.socket(socket.AF_INET) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()) as _, server.accept()[0] as early:
            assert waits(early)
            before = len(list(OPEN.iterdir()))
            send_at_once.__wrapped__()
            assert len(list(OPEN.iterdir())) == before, "copies are closed"
            assert not waits(early)
            with socket.create_connection(server.getsockname()) as _, server.accept()[0] as late:
                assert not waits(late)


def test_where_nothing_is_listed_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.sockets.OPEN", Path("/no/such/folder"))
    send_at_once.__wrapped__()
