"""A training in its own process, started from the dashboard: it outlives the page, the session and the server."""

import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from covid_model.errors import RunError
from covid_model.jobs import is_running, last_error, start_command
from covid_model.models.specs import MODELS
from covid_model.settings import is_public_host, require_own_host
from covid_model.training.run_folder import LIVE, RunFolder, state_of

LOG: Final = "log.txt"
LOOK: Final = 0.1
"""Seconds over which the load of the processors is measured."""
LEAST_MEMORY: Final = 3.0e9
"""Bytes of memory that a training needs."""


def why_not_here() -> str | None:
    """Why this host cannot train, or None."""
    if is_public_host():
        return "This is a public copy, whose memory all visitors share, so it cannot train. You can look at recorded runs."
    memory = psutil.virtual_memory().total
    if memory < LEAST_MEMORY:
        return f"A training needs {LEAST_MEMORY / 1e9:.0f} GB of memory; this host has {memory / 1e9:.1f} GB."
    return None


@dataclass(frozen=True)
class Launched:
    """A trainer process that was started and may not have begun to train.

    log: its output, from byte `offset` on. before: the run's last heartbeat when it was started, None for a new run.
    """

    run: RunFolder
    pid: int
    log: Path
    offset: int
    before: float | None

    def has_begun(self) -> bool:
        """Has it written to the run folder?"""
        return self.run.status().get("heartbeat") != self.before

    def failure(self) -> str | None:
        """Why it ended before it began to train, in one sentence; None while it may still begin."""
        text = self.log.read_bytes()[self.offset :].decode("utf-8", "replace") if self.log.is_file() else ""
        if (why := last_error(text)) is not None:
            return why
        if not is_running(self.pid) and not self.has_begun():
            return f"Its process ended; {self.log} holds its output."
        return None


@dataclass(frozen=True)
class Load:
    """How busy this host is. processors: share of all of them in use; memory, total: bytes."""

    processors: float
    memory: int
    total: int


def system_load() -> Load:
    """The load of this host now."""
    memory = psutil.virtual_memory()
    return Load(psutil.cpu_percent(LOOK) / 100, memory.total - memory.available, memory.total)


def read_log(run: RunFolder, most: int = 20_000) -> str:
    """The last `most` characters that the run's process wrote, where the dashboard started it; else an empty text."""
    for path in (run.path / LOG, run.path.with_suffix(".log")):
        with suppress(OSError):
            return path.read_bytes()[-most:].decode("utf-8", "replace")
    return ""


def why_not_resumed(run: RunFolder) -> str | None:
    """Why a run cannot be resumed from here, or None. A manifest that has moved is no reason: its new place can be named."""
    state, config = state_of(run), run.config()
    if (why := why_not_here()) is not None:
        return why
    if state in LIVE or state == "stalled":
        return "Its process is still there; stop it first."
    if state == "finished":
        return "It is finished: all its epochs are done. Start a new run for more."
    if config.get("model") not in MODELS:
        return f"It trains {config.get('model')}, which the command that began it resumes, not this page."
    return None


def moved_manifest(run: RunFolder) -> str:
    """The manifest that a run began with, where it is no longer there; "" where it is."""
    began = str(run.config().get("manifest") or "")
    return began if began and not Path(began).is_file() else ""


def launch(arguments: list[str], run: RunFolder) -> Launched:
    """Start `python -m covid_model train ARGUMENTS` in a new session, with a log in or beside the run's folder.

    Raises RunError where the log cannot be written, HostError on a public copy.
    """
    require_own_host("Training")
    log = run.path.with_suffix(".log") if not run.path.exists() else run.path / LOG
    offset = log.stat().st_size if log.exists() else 0
    before = run.status().get("heartbeat")
    try:
        pid = start_command(["train", *arguments], log)
    except (OSError, subprocess.SubprocessError) as error:
        raise RunError(f"No trainer could be started; check that {log.parent} can be written.") from error
    return Launched(run, pid, log, offset, before)


def end(run: RunFolder) -> None:
    """Kill the process of a run that does not stop when asked. Raises RunError where none is running.

    The process that holds the run's lock is the one whose id is in the status.
    """
    require_own_host("Ending a run")
    if not run.is_alive():
        raise RunError(f"No process is training in {run.name} any more.")
    pid = run.status()["pid"]
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()
    run.set_status("stopped", pid=pid, reason="Ended by force; resume from the last epoch.")


def delete(run: RunFolder) -> None:
    """Remove a run and everything in it. Raises RunError while it is training."""
    require_own_host("Deleting a run")
    if run.is_alive() or state_of(run) in LIVE:
        raise RunError(f"{run.name} is still training; stop it first.")
    try:
        shutil.rmtree(run.path)
        run.path.with_suffix(".log").unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{run.path} cannot be deleted: {error.strerror}.") from error
