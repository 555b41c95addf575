"""A Streamlit server as the README starts it, in a process of its own, with its log."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import memory_mb, processor_s
from benchmarks.surroundings import ROOT, interpreter

SECONDS: Final = 60
QUIET: Final = 0.05
"""Processor share below which a server counts as idle."""


@dataclass(frozen=True)
class Server:
    """A running server. process: its id. address: of its page. log: all that it has printed."""

    process: int
    address: str
    log: Path

    def processor_s(self) -> float:
        """Processor seconds so far, of everything it has started as well."""
        return processor_s(self.process)

    def memory_mb(self) -> dict[str, Any]:
        """As `processes.memory_mb`."""
        return memory_mb(self.process)

    def log_lines(self) -> int:
        """Lines printed so far."""
        return len(self.log.read_text("utf-8", errors="replace").splitlines())

    def wait_until_quiet(self, limit: float = SECONDS) -> None:
        """Until a second passes almost without processor time, or `limit` seconds have passed."""
        end = time.monotonic() + limit
        before = self.processor_s()
        while time.monotonic() < end:
            time.sleep(1)
            now = self.processor_s()
            if now - before < QUIET:
                return
            before = now

    def idle(self, seconds: float) -> dict[str, float]:
        """Processor share and lines of log while nobody does anything."""
        before, lines = self.processor_s(), self.log_lines()
        time.sleep(seconds)
        used = self.processor_s() - before
        return {"seconds": seconds, "processor_share": used / seconds, "log_lines": self.log_lines() - lines}


def alone() -> dict[str, str]:
    """The environment of what is measured: without settings of this project and of another Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVID_XRAY", "PYTHON", "VIRTUAL"))}


@contextmanager
def served(script: str, folder: Path, *, python: str = "", root: Path = ROOT, quiet: bool = True) -> Iterator[Server]:
    """`streamlit run script` on a free port, answering; ended with the block.

    folder: for the log. python: interpreter, "" for `surroundings.interpreter`. root: the project. quiet: wait until it is
    idle. Raises SystemExit when it does not answer within a minute.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, log = f"http://localhost:{port}", folder / f"{Path(script).stem}.log"
    command = [python or interpreter()[0], "-m", "streamlit", "run", script, "--server.address", "localhost"]
    # `client.Session` sends no tokens; both servers are started without them.
    options = ["--server.headless", "true", "--server.port", str(port), "--server.enableXsrfProtection", "false"]
    with log.open("wb") as stream:
        running = subprocess.Popen([*command, *options], cwd=root, env=alone(), stdout=stream, stderr=subprocess.STDOUT)
    try:
        _wait_for(f"{address}/_stcore/health", log)
        server = Server(running.pid, address, log)
        if quiet:
            server.wait_until_quiet()
        yield server
    finally:
        running.terminate()
        running.wait(SECONDS)


def _wait_for(address: str, log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"error: the server did not start within {SECONDS} s: {log.read_text('utf-8')[-500:]}")
