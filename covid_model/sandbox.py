"""Run a function on untrusted bytes in a child process, so that no file can crash this process.

Decoders and model loaders are written in C and receive unchecked files: they may abort, loop or fill the memory. Here that
happens in a child process, within limits, which is replaced when it dies. Parent and child use two pipes and frames of one
letter, eight bytes of length, and content; nothing is written to disk. The child is `sys.executable` with this process's
`sys.path`, so it works under pytest, Streamlit, in a notebook, and in a script without a `__main__` guard.
"""

import contextlib
import importlib
import io
import json
import math
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

from covid_model import errors
from covid_model.memory import return_memory

Why = Literal["start", "memory", "time", "crash"]
Buffer = bytes | bytearray | memoryview
Answer = Buffer | Iterable[Buffer]

READY: Final = b"r"
ANSWER: Final = b"a"
REFUSED: Final = b"e"
MEMORY: Final = b"m"
CRASH: Final = b"c"
REQUEST: Final = struct.Struct("<dQ")
FRAME: Final = struct.Struct("<cQ")

WALL_FACTOR: Final = 20.0 if hasattr(signal, "SIGPROF") else 5.0
"""A busy machine may take this many times the processor time before the child counts as stuck. Hosts that grant a twelfth of
a core exist; where the system counts processor time, that limit ends every loop, and this one only a child that waits."""
START_SECONDS: Final = 60.0

PIPE_BYTES: Final = 2**20
"""Fewer switches between the two processes than with the usual 64 KB (Linux only)."""

BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from covid_model.sandbox import serve; serve(*sys.argv[2:])"
)


@dataclass(frozen=True)
class Limits:
    """The resources of a child for one request.

    memory_mb: memory beyond what it has after its imports, in 2^20 bytes (Linux only).
    seconds: processor time (Linux and macOS); WALL_FACTOR times as long by the clock, everywhere.
    files: may it write to files? (Linux only; elsewhere it may.)
    """

    memory_mb: int
    seconds: float
    files: bool = False


class ChildError(Exception):
    """The child gave no answer. why: "start" (its imports failed), "memory", "time", or "crash" (anything else)."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why


class Worker:
    """One warm child that answers one request after the other; it starts at the first and is replaced when it dies.

    target: "package.module:function" of a function (bytes) -> bytes, or -> buffers that are sent one after the other. Its
    module is imported in the child, never here. environment: variables to set in the child beside those of this process.
    Not for several threads at once; each needs its own.

    >>> worker = Worker("zlib:compress", Limits(memory_mb=100, seconds=2))
    >>> len(worker.ask(b"a" * 1000)) < 1000
    True
    >>> worker.close()
    """

    def __init__(self, target: str, limits: Limits, environment: Mapping[str, str] | None = None) -> None:
        self.target, self.limits, self.environment = target, limits, dict(environment or {})
        self.deaths = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: io.BufferedReader | None = None

    @property
    def process_id(self) -> int | None:
        """Process id of the running child, or None."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the child unless it is running; returns when its imports are done. Raises ChildError("start")."""
        if self._child and self._child.poll() is None:
            return
        self.close()
        path = [str(Path(entry).absolute()) for entry in sys.path]  # "" is the working folder
        limits = json.dumps([self.limits.memory_mb, self.limits.files])
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-c", BOOT, json.dumps(path), self.target, limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pipesize=PIPE_BYTES,
            env={**os.environ, **self.environment},
        )
        assert isinstance(self._child.stdout, io.RawIOBase)
        self._answers = io.BufferedReader(self._child.stdout)
        kind, content = self._within(START_SECONDS, lambda: self._received("start"))
        if kind != READY:
            self.close()
            raise ChildError("start", content.decode("utf-8", "replace"))

    def ask(self, request: Buffer, seconds: float | None = None) -> bytes:
        """What the function returns for `request`. seconds: processor time for this one instead of the limit's.

        Raises ChildError when there is no answer, and any CovidModelError that the function raised.
        """
        allowed = self.limits.seconds if seconds is None else seconds
        self.start()

        def exchange() -> tuple[bytes, bytes]:
            assert self._child and self._child.stdin
            with contextlib.suppress(OSError):  # the child is gone; reading gives the cause
                _write(self._child.stdin, REQUEST.pack(allowed, len(request)), request)
            return self._received("crash")

        kind, content = self._within(allowed * WALL_FACTOR, exchange)
        if kind == ANSWER:
            return content
        if kind == REFUSED:
            name, _, sentence = content.decode("utf-8", "replace").partition("\n")
            raise getattr(errors, name)(sentence)
        self.deaths += 1
        self.close()  # after a failed allocation or an unexpected exception its state is unknown
        raise ChildError("memory" if kind == MEMORY else "crash", content.decode("utf-8", "replace"))

    def close(self) -> None:
        """End the child; a later request starts a new one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()

    def _within(self, seconds: float, act: Callable[[], tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        """`act` with the child killed after `seconds` by the clock, which ends every wait on its pipes."""
        assert self._child
        late = threading.Event()
        child = self._child

        def end() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            return act()
        except ChildError as died:
            self.deaths += 1
            self.close()
            raise (ChildError("time") if late.is_set() else died) from None
        except BaseException:
            self.close()  # interrupted: a late answer must not be read by the next request
            raise
        finally:
            timer.cancel()

    def _received(self, otherwise: Why) -> tuple[bytes, bytes]:
        """One frame. Raises ChildError with the cause that the exit status shows."""
        assert self._child and self._answers
        head = self._answers.read(FRAME.size)
        if len(head) == FRAME.size:
            kind, length = FRAME.unpack(head)
            content = self._answers.read(length)
            if len(content) == length:
                return kind, content
        raise ChildError(_cause(self._child.wait(), otherwise))


def run_once(target: str, request: Buffer, limits: Limits, environment: Mapping[str, str] | None = None) -> bytes:
    """`Worker.ask` in a new child that ends afterwards, for rare and heavy work. Raises as `Worker.ask` does."""
    worker = Worker(target, limits, environment)
    try:
        return worker.ask(request)
    finally:
        worker.close()


def _cause(status: int, otherwise: Why) -> Why:
    """Why a child ended, by its exit status; the kernel kills with signal 9 when the machine has no memory left."""
    named: dict[str, Why] = {"SIGPROF": "time", "SIGXCPU": "time", "SIGKILL": "memory"}
    return next((why for name, why in named.items() if status == -getattr(signal, name, math.inf)), otherwise)


def _write(stream: IO[bytes], *parts: Buffer) -> None:
    """Write all of the parts to an unbuffered stream, whose `write` may take only some of the bytes."""
    for part in parts:
        rest = memoryview(part).cast("B")
        while rest:
            rest = rest[stream.write(rest) :]


def serve(target: str, limits: str) -> None:
    """The child: answer requests on standard input until it closes.

    Standard output and error are discarded, since C libraries print there, and their messages may quote the file.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    module, _, name = target.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except Exception as error:
        _send(answers, CRASH, f"{type(error).__name__}: {error}".encode())
        return
    _limit(*json.loads(limits))
    _send(answers, READY)
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        seconds, length = REQUEST.unpack(head)
        _allow(seconds)
        kind, answer = _answered(function, requests, length)
        _allow(0)
        _send(answers, kind, *answer)
        answer = []
        return_memory()  # between two requests, which may be far apart


def _answered(function: Callable[[bytes], Answer], requests: IO[bytes], length: int) -> tuple[bytes, list[Buffer]]:
    """The kind of frame and the content: what the function returned, or what it raised."""
    try:
        answer = function(requests.read(length))
        return ANSWER, [answer] if isinstance(answer, Buffer) else list(answer)
    except errors.CovidModelError as error:
        return REFUSED, [f"{type(error).__name__}\n{error}".encode("utf-8", "replace")]
    except MemoryError:
        return MEMORY, []
    except Exception as error:
        return CRASH, [type(error).__name__.encode()]


def _send(answers: IO[bytes], kind: bytes, *content: Buffer) -> None:
    _write(answers, FRAME.pack(kind, sum(memoryview(part).nbytes for part in content)), *content)


def _limit(memory_mb: int, files: bool) -> None:
    """Limit memory and, unless `files`, writing; prevent core dumps, which would put the request on the disk.

    A core limit of 1 also stops dumps that are piped to a program, which 0 does not.
    """
    if sys.platform == "linux":
        import resource

        held = int(Path("/proc/self/statm").read_text("ascii").split()[5]) * resource.getpagesize()
        # Private writable memory: unlike the address space it leaves out what libraries reserve and never touch.
        for what, most in ((resource.RLIMIT_DATA, held + memory_mb * 2**20), (resource.RLIMIT_CORE, 1)):
            resource.setrlimit(what, (most, most))
        if not files:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _allow(seconds: float) -> None:
    """Let the kernel end this process after this much more processor time; 0 removes the limit."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)
