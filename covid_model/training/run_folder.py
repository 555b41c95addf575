"""A training run on disk: what its process writes and every reader sees. Needs no TensorFlow.

config.json      settings and data hash, written once
status.json      state, heartbeat, process; replaced whole
metrics.jsonl    one line every few steps ("step") and every epoch ("epoch"), appended and flushed
maps/            heatmaps of fixed images, one file an epoch
checkpoint/      last.npz (to resume) and best.npz
STOP             its presence asks the process to end after the current step
"""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil

from covid_model.errors import RunError
from covid_model.files import write_json
from covid_model.settings import require_own_host

STALE: Final = 120.0
"""Seconds without a heartbeat after which a run counts as stalled."""

LIVE: Final = ("starting", "training", "validating", "stopping")
"""States in which a process should be at work."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.path.name

    def create(self, config: dict[str, Any]) -> None:
        """Make the folder and store the settings. Raises RunError where a run is already, or nothing can be written."""
        if (self.path / "config.json").exists():
            raise RunError(f"{self.path} already holds a run; resume it with --resume, or choose another folder.")
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
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path} holds no readable run: {error}") from error
        return found

    def claim(self) -> None:
        """Take the run for this process. Raises RunError when another living process has it."""
        status = self.status()
        if status.get("state") in LIVE and is_alive(status):
            raise RunError(f"Process {status['pid']} is already training in {self.path}; stop it first.")
        (self.path / "STOP").unlink(missing_ok=True)
        self.tell("starting")

    def tell(self, state: str, **more: Any) -> None:
        """Replace the status; every call is a heartbeat. Keeps what was told before and is not told anew."""
        own = {"pid": os.getpid(), "started": psutil.Process().create_time()}
        now = {"state": state, "heartbeat": time.time(), "date": datetime.now(UTC).isoformat("T", "seconds")}
        write_json(self.path / "status.json", {**self.status(), **own, **now, **more})

    def status(self) -> dict[str, Any]:
        """The last status; empty before the first."""
        try:
            found: dict[str, Any] = json.loads((self.path / "status.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def append(self, line: dict[str, Any]) -> None:
        """Add one line of metrics, on disk when this returns."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, allow_nan=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def metrics_size(self) -> int:
        """Bytes of metrics so far."""
        path = self.path / "metrics.jsonl"
        return path.stat().st_size if path.exists() else 0

    def cut_metrics(self, size: int) -> None:
        """Forget metrics written after a checkpoint, whose steps will be done again."""
        if self.metrics_size() > size:
            os.truncate(self.path / "metrics.jsonl", size)

    def asked_to_stop(self) -> bool:
        """Did somebody ask this run to end?"""
        return (self.path / "STOP").exists()

    def ask_to_stop(self) -> None:
        """Ask the process to end after its current step, keeping a checkpoint. Raises HostError on a public copy."""
        require_own_host("Stopping a run")
        (self.path / "STOP").touch()


def is_alive(status: dict[str, Any]) -> bool:
    """Does the process that wrote this status still run? Checked by its start time, since numbers are used again."""
    try:
        process = psutil.Process(status["pid"])
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - status["started"]) < 1.0
    except (psutil.NoSuchProcess, KeyError):
        return False


def state_of(run: RunFolder) -> str:
    """The state as a reader should see it: "stalled" without a heartbeat, "interrupted" without a process."""
    status = run.status()
    state = str(status.get("state", "empty"))
    if state not in LIVE:
        return state
    if not is_alive(status):
        return "interrupted"
    return "stalled" if time.time() - status["heartbeat"] > STALE else state


def runs_in(folder: Path) -> list[RunFolder]:
    """Every run below a folder, the latest first."""
    found = [RunFolder(path.parent) for path in folder.glob("*/config.json")]
    return sorted(found, key=lambda run: run.status().get("heartbeat", 0.0), reverse=True)
