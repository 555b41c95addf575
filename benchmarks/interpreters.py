"""Does the project install and work with each Python that it promises? A fresh copy, the README's line, and a smoke run.

    python -m benchmarks.interpreters [PYTHON ...] [--out benchmarks/results/interpreters.json]

Each PYTHON is an interpreter, by default python3.11, python3.12 and python3.13 where they are found. The committed files are
unpacked into a temporary folder with `.venv` inside; then follow the README's installation, a prediction, a heatmap with all
trust tests, a minute's training, and a visit of the dashboard. Exit code 1 where anything fails. Needs a package index.
"""

import argparse
import json
import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.client import Session
from benchmarks.server import alone, served
from benchmarks.surroundings import ROOT, Row, arguments_of, finish, machine, timed
from covid_model.data.synthetic_samples import shipped_samples

PROMISED: Final = ("python3.11", "python3.12", "python3.13")
MINUTES: Final = 20
VERSIONS: Final = (
    "import importlib.metadata as m, json, platform; "
    "print(json.dumps({'python': platform.python_version()} | {n: m.version(n) for n in "
    "('streamlit', 'keras', 'numpy', 'onnxruntime', 'tf-keras-vis')}))"
)


class StepError(Exception):
    """A step that did not work, with the end of what it printed."""


def smoke(python: str, folder: Path) -> Row:
    """Install and try the project with one interpreter in an empty folder. Returns seconds by step, and versions."""
    inside, image = str(folder / ".venv" / "bin" / "python"), str(next(iter(_samples(folder))))
    command, demo = [inside, "-m", "covid_model"], ["--manifest", "demo/manifest.parquet"]
    found: Row = {"interpreter": Path(python).name, "seconds": {}}
    steps = {
        "environment": [python, "-m", "venv", ".venv"],
        "installation": [inside, "-m", "pip", "install", "-q", "-r", "requirements.txt"],
        "packages fit": [inside, "-m", "pip", "check"],
        "prediction": [*command, "predict", image],
        "heatmap and trust tests": [*command, "explain", image, "--trust", "--out", "out"],
        "demo data set": [*command, "data", "demo", "--out", "demo", "--images", "120"],
        "training": [*command, "train", "--model", "small-cnn", *demo, "--run", "runs/smoke", "--epochs", "1"],
    }
    try:
        for name, step in steps.items():
            found["seconds"][name] = round(timed(lambda step=step: _run(step, folder)), 1)  # type: ignore[misc]
        found["versions"] = json.loads(_run([inside, "-c", VERSIONS], folder))
        found["seconds"]["first page"] = round(_visit(inside, folder), 1)
    except StepError as error:
        found["failed"] = str(error)
    return found


def _samples(folder: Path) -> list[Path]:
    """The synthetic images of a copy of the project."""
    return [folder / sample.path.relative_to(ROOT) for sample in shipped_samples().values()]


def _run(command: list[str], folder: Path) -> str:
    """What a command prints to standard output. Raises StepError."""
    done = subprocess.run(
        command, check=False, cwd=folder, env=alone(), capture_output=True, text=True, timeout=60 * MINUTES
    )
    if done.returncode:
        raise StepError(f"{' '.join(command[1:5])}: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout


def _visit(python: str, folder: Path) -> float:
    """Seconds from the first visit of a fresh dashboard to its first heatmap."""
    try:
        with served("streamlit_app.py", folder, python=python, root=folder) as server:
            sessions: list[Session] = []
            seconds = timed(lambda: sessions.append(Session(server.address)))
            sessions[0].close()
            return seconds
    except (RuntimeError, SystemExit) as error:
        raise StepError(f"the page: {error}") from error


def main() -> int:
    """Try each interpreter, print, write."""
    parser = argparse.ArgumentParser(description="installation and a smoke run with each promised Python")
    parser.add_argument("python", nargs="*", help=f"interpreters, default: {', '.join(PROMISED)} where they are found")
    arguments = arguments_of(parser, "interpreters")
    pythons = arguments.python or [path for path in map(shutil.which, PROMISED) if path]
    committed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    rows = []
    for python in pythons:
        with TemporaryDirectory() as name, tarfile.open(fileobj=BytesIO(committed)) as archive:
            archive.extractall(name, filter="data")
            rows.append(smoke(python, Path(name)))
    finish({**machine(), "interpreters": rows}, arguments.out)
    return int(not rows or any("failed" in row for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
