"""What every benchmark records beside its figures, and how it times."""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from covid_model.explain.explanation import versions
from covid_model.files import write_json

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results"

Row = dict[str, Any]


def interpreter() -> tuple[str, str]:
    """The Python that servers and commands are started with, and which layout that is.

    The README puts the environment into `.venv` inside the repository, which costs a file watcher and imports their time; so
    that one is taken wherever it exists.
    """
    inside = ROOT / ".venv" / "bin" / "python"
    if inside.is_file():
        return str(inside), "`.venv` inside the repository"
    return sys.executable, "an environment outside the repository"


def machine() -> Row:
    """Where, when and with what the numbers were measured, and how busy the machine was before."""
    return {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "layout": interpreter()[1],
        "versions": versions(),
    }


def timed(call: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def spread(seconds: Iterable[float]) -> dict[str, float]:
    """Median, fastest and slowest."""
    found = list(seconds)
    return {"median_s": statistics.median(found), "min_s": min(found), "max_s": max(found)}


def arguments_of(parser: argparse.ArgumentParser, name: str) -> argparse.Namespace:
    """The parsed arguments with `--out`, the file for the numbers."""
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.json", help="for the numbers, default: %(default)s")
    return parser.parse_args()


def finish(report: Row, out: Path) -> int:
    """Print the report and write it; returns 0."""
    print(json.dumps(report, indent=1))
    write_json(out, report)
    return 0
