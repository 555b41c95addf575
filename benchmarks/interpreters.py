"""Does the project install and work with each Python that it promises? A fresh copy, the README's line, and a smoke run.

    python -m benchmarks.interpreters [PYTHON ...] [--out benchmarks/results/interpreters.json]

Each PYTHON is an interpreter, by default python3.11, python3.12 and python3.13 where they are found. The committed files are
unpacked into a temporary folder with `.venv` inside; then follow the README's installation, a prediction, a heatmap with all
trust tests, a minute's training, and a visit of the dashboard. Exit code 1 where anything fails. Needs a package index.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.request
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.client import Session
from benchmarks.surroundings import ROOT, Row, arguments_of, finish, machine, timed
from covid_model.data.synthetic_samples import shipped_samples

PROMISED: Final = ("python3.11", "python3.12", "python3.13")
MINUTES: Final = 20
WAIT: Final = 60
"""Seconds for a server to answer."""
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
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("COVID_XRAY", "PYTHON", "VIRTUAL"))}
    done = subprocess.run(command, check=False, cwd=folder, env=alone, capture_output=True, text=True, timeout=60 * MINUTES)
    if done.returncode:
        raise StepError(f"{' '.join(command[1:5])}: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout


def _visit(python: str, folder: Path) -> float:
    """Seconds from the first visit of a fresh dashboard to its first heatmap."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.address", "localhost", "--server.headless", "true", "--server.port", str(port)]
    log = folder / "server.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [python, "-m", "streamlit", "run", "streamlit_app.py", *options, "--server.enableXsrfProtection", "false"],
            cwd=folder, stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        end = time.monotonic() + WAIT
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise StepError(f"no answer from the server: {log.read_text('utf-8')[-500:]}") from None
                time.sleep(0.2)
        begun = time.perf_counter()
        session = Session(f"http://localhost:{port}")
        session.close()
        return time.perf_counter() - begun
    except RuntimeError as error:
        raise StepError(f"the page: {error}") from error
    finally:
        server.terminate()
        server.wait(WAIT)


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
