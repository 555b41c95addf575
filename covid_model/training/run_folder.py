"""A training run on disk, written by its process and read by everything else. Needs no TensorFlow.

config.json      settings and data hash, written once
status.json      state, heartbeat, process; replaced whole
metrics.jsonl    one line every few steps ("step") and every epoch ("epoch"), appended and flushed
maps/            heatmaps of fixed images, one file an epoch
checkpoint/      last.npz and previous.npz (to resume), best.npz (averaged weights of the best epoch)
STOP             its presence asks the process to end after the current step
trainer.lock     locked by the trainer while its process lives
"""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import BaseFileLock, FileLock, Timeout

from covid_model.errors import RunError
from covid_model.files import write_json
from covid_model.settings import require_own_host

LOCK: Final = "trainer.lock"
CLAIM: Final = 2.0
"""Seconds to wait for the lock, which readers hold briefly to find out whether a trainer is running."""
PROBE: Final = 0.02
"""Seconds after which a reader concludes that a trainer holds the lock, and not another reader."""

STALE: Final = 120.0
"""Seconds without a heartbeat after which a run counts as stalled."""

LIVE: Final = ("starting", "training", "validating", "stopping")
"""States in which a process should be running."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name, that of its folder."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoint"

    def check_new(self) -> None:
        """Raise RunError where there is a run already."""
        if (self.path / "config.json").exists():
            raise RunError(f"{self.path} already holds a run; resume it with --resume, or choose another folder.")

    def create(self, config: dict[str, Any]) -> None:
        """Make the folder and store the settings. Raises RunError where it has a run, or cannot be written."""
        self.check_new()
        try:
            for part in ("maps", "checkpoint"):
                (self.path / part).mkdir(parents=True, exist_ok=True)
            write_json(self.path / "config.json", config)
        except OSError as error:
            raise RunError(f"The run folder {self.path} cannot be written: {error.strerror}.") from error

    def config(self) -> dict[str, Any]:
        """The stored settings. Raises RunError where there are none."""
        try:
            found: dict[str, Any] = json.loads((self.path / "config.json").read_text("utf-8"))
        except (OSError, ValueError):
            raise RunError(f"{self.path} holds no readable run; name the folder of one.") from None
        return found

    def claim(self) -> BaseFileLock | None:
        """Lock the run for this process until the lock is released or the process ends.

        Raises RunError where another process has the lock, or the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = self._lock()
            lock.acquire(timeout=CLAIM)
            (self.path / "STOP").unlink(missing_ok=True)
            for path in self.checkpoints.glob("*.partial"):  # of a trainer that was killed
                path.unlink()
            self.set_status("starting")
        except Timeout:
            trainer = f"Process {self.status().get('pid', 'of unknown number')}"
            raise RunError(f"{trainer} is already training in {self.path}; stop it first.") from None
        except OSError as error:
            raise RunError(f"The run folder {self.path} cannot be written: {error.strerror}.") from error
        return lock

    def is_alive(self) -> bool:
        """Is a process training in this folder?"""
        if not (self.path / LOCK).exists():
            return False
        try:
            with self._lock().acquire(timeout=PROBE, poll_interval=PROBE / 4):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def _lock(self) -> BaseFileLock:
        return FileLock(self.path / LOCK)

    def start_over(self) -> None:
        """Delete the metrics and heatmaps of a run that has no checkpoint."""
        self.cut_metrics(0)
        for path in (self.path / "maps").glob("epoch-*.npz"):
            path.unlink()

    def set_status(self, state: str, **more: Any) -> None:
        """Update the status; every call is a heartbeat. Entries of earlier calls stay unless they are given again."""
        now = {"state": state, "heartbeat": time.time(), "date": datetime.now(UTC).isoformat("T", "seconds")}
        write_json(self.path / "status.json", {**self.status(), "pid": os.getpid(), **now, **more})

    def status(self) -> dict[str, Any]:
        """The last status; empty before the first."""
        try:
            found: dict[str, Any] = json.loads((self.path / "status.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def append(self, line: dict[str, Any]) -> None:
        """Add one line of metrics; it is on disk when this returns."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, allow_nan=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def metrics_size(self) -> int:
        """Bytes of metrics so far."""
        path = self.path / "metrics.jsonl"
        return path.stat().st_size if path.exists() else 0

    def cut_metrics(self, size: int) -> None:
        """Delete metrics after the first `size` bytes, of steps after a checkpoint, which will be repeated."""
        if self.metrics_size() > size:
            os.truncate(self.path / "metrics.jsonl", size)

    def asked_to_stop(self) -> bool:
        """Was the run asked to stop?"""
        return (self.path / "STOP").exists()

    def ask_to_stop(self) -> None:
        """Ask the process to end after its current step, keeping a checkpoint. Raises HostError on a public copy."""
        require_own_host("Stopping a run")
        (self.path / "STOP").touch()


def state_of(run: RunFolder) -> str:
    """The state in the status, but "stalled" without a heartbeat and "interrupted" without a process."""
    status = run.status()
    state = str(status.get("state", "empty"))
    if state not in LIVE:
        return state
    if not run.is_alive():
        state = str(run.status().get("state"))  # it may have ended between the two looks
        return "interrupted" if state in LIVE else state
    return "stalled" if time.time() - status["heartbeat"] > STALE else state


def runs_in(folder: Path) -> list[RunFolder]:
    """Every run below a folder, the latest first."""
    found = [RunFolder(path.parent) for path in folder.glob("*/config.json")]
    return sorted(found, key=lambda run: run.status().get("heartbeat", 0.0), reverse=True)
