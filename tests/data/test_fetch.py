"""Downloads from a local server that misbehaves in the ways servers do."""

import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from covid_model.cli.main import main
from covid_model.data.fetch import Remote, fetch_all, fetch_file, fetch_source, unpack
from covid_model.data.sources import SOURCES
from covid_model.data.sources.cohen import COHEN
from covid_model.errors import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)
DIGEST = sha256(CONTENT).hexdigest()


@dataclass
class Manner:
    """How the server answers. cuts: bytes sent before each of the first connections is closed."""

    content: bytes = CONTENT
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    status: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


class Server(ThreadingHTTPServer):
    manner = Manner()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        manner = self.server.manner
        wanted = self.headers.get("Range", "")
        manner.asked.append(wanted)
        if manner.status and (code := manner.status.pop(0)) != 200:
            self.send_error(code)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and manner.ranges else 0
        if start >= len(manner.content):
            self.send_error(416)
            return
        body = manner.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = manner.cuts.pop(0) if manner.cuts else len(body)
        self.wfile.write(body[:cut])
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    found.manner = Manner()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


def remote(server: Server, digest: str | None = DIGEST, name: str = "file.bin") -> Remote:
    return Remote(f"http://127.0.0.1:{server.server_address[1]}/{name}", name, digest)


def test_a_connection_that_drops_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    server.manner.cuts = [100_000, 50_000]
    assert fetch_file(remote(server), tmp_path, pause=0, show=False).read_bytes() == CONTENT
    assert server.manner.asked == ["", "bytes=100000-", "bytes=150000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]
    fetch_file(remote(server), tmp_path, pause=0, show=False)
    assert len(server.manner.asked) == 3, "what is there is not fetched again"


def test_a_server_without_ranges_is_asked_from_the_start(server: Server, tmp_path: Path) -> None:
    server.manner.cuts, server.manner.ranges = [100_000], False
    assert fetch_file(remote(server), tmp_path, pause=0, show=False).read_bytes() == CONTENT


def test_a_later_call_goes_on_from_what_an_earlier_left(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:200_000])
    assert fetch_file(remote(server), tmp_path, pause=0, show=False).read_bytes() == CONTENT
    assert server.manner.asked == ["bytes=200000-"]


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.manner.status = [503, 429, 200]
    assert fetch_file(remote(server), tmp_path, pause=0, show=False).read_bytes() == CONTENT


def test_a_rest_of_another_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"x" * 400_000)
    assert fetch_file(remote(server), tmp_path, pause=0, show=False).read_bytes() == CONTENT


def test_wrong_bytes_are_not_kept(server: Server, tmp_path: Path) -> None:
    server.manner.content = b"<html>sign in</html>"
    with pytest.raises(DataError, match="is not the file expected: sha256"):
        fetch_file(remote(server), tmp_path, pause=0, show=False)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_work_is_one_sentence(server: Server, tmp_path: Path) -> None:
    server.manner.status = [404]
    with pytest.raises(DataError, match="answers 404"):
        fetch_file(remote(server), tmp_path, pause=0, show=False)
    server.manner.cuts = [10] * 10
    with pytest.raises(DataError, match=r"in 6 tries \(the connection closed early\)|in 6 tries \(IncompleteRead"):
        fetch_file(remote(server), tmp_path, pause=0, show=False)
    with pytest.raises(DataError, match="could not be fetched"):
        fetch_file(Remote("http://127.0.0.1:9/x", "x"), tmp_path, pause=0, show=False)


def test_several_files_come_in_their_order(server: Server, tmp_path: Path) -> None:
    names = [f"{number}.bin" for number in range(5)]
    found = fetch_all([remote(server, name=name) for name in names], tmp_path, pause=0, show=False)
    assert [path.name for path in found] == names


def archive(entries: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return stream.getvalue()


def test_a_source_is_fetched_under_its_licence(server: Server, tmp_path: Path) -> None:
    server.manner.content = archive({"repository-master/metadata.csv": b"a,b\n", "repository-master/images/1.png": b"x"})
    source, asked = COHEN, []
    wanted = [remote(server, None, f"{COHEN.name}.zip")]

    def refuse(terms: str) -> bool:
        asked.append(terms)
        return False

    with pytest.raises(DataError, match="not accepted"):
        fetch_source(source, tmp_path, refuse, remotes=wanted)
    assert "do not redistribute" in asked[0]
    assert server.manner.asked == []
    out = fetch_source(source, tmp_path, lambda _: True, remotes=wanted)
    assert out == tmp_path / COHEN.folders[0]
    assert (out / "images" / "1.png").read_bytes() == b"x"
    assert fetch_source(source, tmp_path, refuse, remotes=wanted) == out, "what is there is not asked about again"


def test_archives_that_are_damaged_or_lead_outside_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(archive({"../outside.txt": b"x"}))
    with pytest.raises(DataError, match="lead out of its folder"):
        unpack(path, tmp_path / "in")
    data = bytearray(archive({"a.txt": b"hello hello hello"}))
    data[40] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"damaged|cannot be unpacked"):
        unpack(path, tmp_path / "in")
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(path, tmp_path / "in")


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if not source.archives])
def test_sources_that_need_an_account_say_what_to_do(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", name, "--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "cannot be fetched by a program" in told
    assert "data folder" in told
    assert SOURCES[name].homepage in told


def test_every_source_can_be_had_one_way_or_the_other() -> None:
    for source in SOURCES.values():
        assert bool(source.archives) != bool(source.by_hand)
