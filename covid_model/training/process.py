"""A training as a process of its own, started from the dashboard: it outlives the page, the session and the server."""

import shutil
import subprocess
import sys
from typing import Final

import psutil

from covid_model.errors import RunError
from covid_model.settings import is_public_host, require_own_host
from covid_model.training.run_folder import LIVE, RunFolder, is_alive, state_of

LOG: Final = "log.txt"
LEAST_MEMORY: Final = 3.0e9
"""Bytes that a training needs."""


def why_not_here() -> str | None:
    """Why this host should not train, or None."""
    if is_public_host():
        return "This is a public copy; a training would take its memory from every visitor. You can look at recorded runs."
    memory = psutil.virtual_memory().total
    if memory < LEAST_MEMORY:
        return f"A training needs {LEAST_MEMORY / 1e9:.0f} GB of memory; this host has {memory / 1e9:.1f} GB."
    return None


_STARTER: Final = (
    "import subprocess, sys; subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=open(sys.argv[1], 'ab'), "
    "stderr=subprocess.STDOUT, start_new_session=True)"
)
"""Starts the trainer and ends at once, so that the trainer is nobody's child and leaves no zombie in the dashboard."""


def launch(arguments: list[str], run: RunFolder) -> None:
    """Start `python -m covid_model train ARGUMENTS` in a session of its own, with a log beside the run.

    Raises HostError on a public copy.
    """
    require_own_host("Training")
    run.path.parent.mkdir(parents=True, exist_ok=True)
    log = run.path.with_suffix(".log") if not run.path.exists() else run.path / LOG
    command = [sys.executable, "-m", "covid_model", "train", *arguments]
    subprocess.run([sys.executable, "-c", _STARTER, str(log), *command], check=True, timeout=60)


def end(run: RunFolder) -> None:
    """Kill the process of a run that does not stop when asked; only if it is the very process that wrote the status."""
    require_own_host("Ending a run")
    status = run.status()
    if not is_alive(status):
        raise RunError(f"No process is training in {run.name} any more.")
    psutil.Process(status["pid"]).kill()
    run.tell("stopped", pid=status["pid"], started=status["started"], reason="Ended by force; resume from the last epoch.")


def delete(run: RunFolder) -> None:
    """Remove a run and everything in it. Raises RunError while it is at work, HostError on a public copy."""
    require_own_host("Deleting a run")
    if state_of(run) in LIVE:
        raise RunError(f"{run.name} is still training; stop it first.")
    shutil.rmtree(run.path)
    run.path.with_suffix(".log").unlink(missing_ok=True)
