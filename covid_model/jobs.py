"""Commands of this program in processes of their own, started from the dashboard: they outlive page, session and server."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psutil

from covid_model.errors import DataError
from covid_model.files import write_json
from covid_model.progress import last_progress
from covid_model.settings import require_own_host

_STARTER: Final = (
    "import subprocess, sys; print(subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=open(sys.argv[1], 'ab'), "
    "stderr=subprocess.STDOUT, start_new_session=True).pid)"
)
"""Starts the process and ends at once, so that the process is not a child of the dashboard and leaves no zombie there."""


def start_command(arguments: list[str], log: Path) -> int:
    """Start `python -m covid_model ARGUMENTS` in a new session, its output appended to `log`; returns its process id.

    Raises OSError or subprocess.SubprocessError where it cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    starter = [sys.executable, "-c", _STARTER, str(log), sys.executable, "-m", "covid_model", *arguments]
    return int(subprocess.run(starter, check=True, timeout=60, capture_output=True, text=True).stdout)


def is_running(pid: int, created: float | None = None) -> bool:
    """Is the process running? created: when it was created, since ids of ended processes are used again."""
    try:
        process = psutil.Process(pid)
        same = created is None or abs(process.create_time() - created) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def last_error(log: str) -> str | None:
    """The sentence of the last error in the output of a command, or None."""
    errors = [line for line in log.splitlines() if line.startswith("error: ")]
    return errors[-1].removeprefix("error: ") if errors else None


@dataclass(frozen=True)
class Job:
    """A command that writes the file `result` when it is done. created: when its process was, in seconds.

    record: the path, without suffix, of the files that hold the job's record and log. before: when the result had been
    written before the job began, None where there was none.
    """

    record: Path
    result: Path
    pid: int
    created: float
    before: float | None

    def state(self) -> Literal["running", "done", "failed"]:
        """Is it still at work, and did it write its result?"""
        if is_running(self.pid, self.created):
            return "running"
        return "done" if _written(self.result) != self.before else "failed"

    def output(self) -> str:
        """What the command has written to its log."""
        try:
            return _log(self.record).read_text("utf-8", "replace")
        except OSError:
            return ""

    def progress(self) -> tuple[str, int, int] | None:
        """(what, items finished, all items), or None before the first item."""
        return last_progress(self.output())

    def failure(self) -> str:
        """Why it ended without a result, in one sentence."""
        return last_error(self.output()) or f"Its process ended early; {_log(self.record)} holds its output."

    def forget(self) -> None:
        """Remove the record and the log of a job that has ended."""
        for path in (_record(self.record), _log(self.record)):
            path.unlink(missing_ok=True)

    def stop(self) -> None:
        """End the process. What it wrote so far stays."""
        require_own_host("Stopping a job")
        with suppress(psutil.NoSuchProcess):
            psutil.Process(self.pid).terminate()


def _log(record: Path) -> Path:
    return record.with_name(f"{record.name}.log")


def _record(record: Path) -> Path:
    return record.with_name(f"{record.name}.job.json")


def _written(path: Path) -> float | None:
    return path.stat().st_mtime if path.exists() else None


def start_job(arguments: list[str], record: Path, result: Path, action: str) -> Job:
    """Start a command that writes `result`; `record` is its name, as in `Job`. action: for messages, as "Measuring images".

    Raises DataError where it is at work already or cannot be started, HostError on a public copy.
    """
    require_own_host(action)
    if (job := find_job(record)) is not None and job.state() == "running":
        raise DataError(f"{action} is under way already; wait until {result.name} is written.")
    before = _written(result)
    try:
        _log(record).unlink(missing_ok=True)
        pid = start_command(arguments, _log(record))
        job = Job(record, result, pid, psutil.Process(pid).create_time(), before)
        write_json(_record(record), {"result": str(result), "pid": pid, "created": job.created, "before": before})
    except (OSError, subprocess.SubprocessError, psutil.NoSuchProcess) as error:
        raise DataError(f"{action} cannot be started; check that {record.parent} can be written.") from error
    return job


def find_job(record: Path) -> Job | None:
    """The job of this name, whether or not it has ended; None where there is none."""
    try:
        found = json.loads(_record(record).read_text("utf-8"))
        return Job(record, Path(found["result"]), int(found["pid"]), float(found["created"]), found["before"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
