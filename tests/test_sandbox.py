import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from covid_model.errors import ImageError
from covid_model.sandbox import ChildError, Limits, Worker, run_once

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")


def act(request: bytes) -> bytes:
    """What the child does here, by the first word of the request."""
    word, _, rest = bytes(request).partition(b" ")
    match word:
        case b"echo":
            return rest
        case b"refuse":
            raise ImageError("No.")
        case b"raise":
            raise KeyError("secret")
        case b"abort":
            os.abort()
        case b"exit":
            os._exit(3)
        case b"spin":
            while True:
                pass
        case b"sleep":
            time.sleep(60)
        case b"fill":
            return bytes(len(bytearray(int(rest) * 2**20)))[:2]
        case b"recurse":
            return act(request)
        case b"print":
            os.write(1, b"noise")
            os.write(2, b"noise")
            return b"quiet"
        case b"write":
            Path(rest.decode()).write_bytes(b"leak")
            return b"written"
    return b""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    child = Worker("test_sandbox:act", Limits(memory_mb=100, seconds=0.4))
    yield child
    child.close()


def test_answers_come_back_whole_from_one_warm_child(worker: Worker) -> None:
    assert worker.ask(b"echo hello") == b"hello"
    first = worker.process_id
    large = os.urandom(5 * 2**20)
    assert worker.ask(b"echo " + large) == large
    assert worker.ask(b"print") == b"quiet"
    assert worker.process_id == first


def test_a_refusal_keeps_its_class_and_sentence_and_the_child(worker: Worker) -> None:
    worker.ask(b"echo")
    before = worker.process_id
    with pytest.raises(ImageError, match=r"^No\.$"):
        worker.ask(b"refuse")
    assert worker.process_id == before


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (b"raise", "crash"),
        (b"recurse", "crash"),
        (b"abort", "crash"),
        (b"exit", "crash"),
        (b"sleep", "time"),
        pytest.param(b"spin", "time"),
        pytest.param(b"fill 200", "memory", marks=LINUX),
    ],
)
def test_whatever_ends_the_child_is_named_and_the_next_request_is_answered(
    worker: Worker, request_: bytes, why: str
) -> None:
    start = time.perf_counter()
    with pytest.raises(ChildError) as caught:
        worker.ask(request_)
    assert caught.value.why == why
    assert "secret" not in str(caught.value)
    assert time.perf_counter() - start < 10
    assert worker.ask(b"echo again") == b"again"


@LINUX
def test_the_child_cannot_write_files_unless_it_may(worker: Worker, tmp_path: Path) -> None:
    target = tmp_path / "leak"
    with pytest.raises(ChildError):
        worker.ask(b"write " + os.fsencode(target))
    assert not target.exists() or target.stat().st_size == 0
    assert run_once("test_sandbox:act", b"write " + os.fsencode(target), Limits(100, 1, files=True)) == b"written"


def test_a_target_that_cannot_be_imported_is_said_at_the_start() -> None:
    with pytest.raises(ChildError, match="No module named 'absent'") as caught:
        run_once("absent:act", b"", Limits(100, 1))
    assert caught.value.why == "start"


def test_a_child_killed_from_outside_is_replaced(worker: Worker) -> None:
    worker.ask(b"echo")
    assert worker.process_id
    os.kill(worker.process_id, signal.SIGTERM)
    time.sleep(0.2)
    assert worker.ask(b"echo back") == b"back"


def test_it_works_from_a_script_without_a_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text(
        "from covid_model.sandbox import Limits, run_once\nprint(run_once('act:act', b'abc', Limits(100, 1)).decode())\n"
    )
    (tmp_path / "act.py").write_text("def act(data):\n    return bytes(reversed(data))\n")
    root = str(Path(__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, check=True, text=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert done.stdout == "cba\n"
