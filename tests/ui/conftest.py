"""The running app and a browser before it, for the tests that drive both."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, FLAGS, is_fault
from playwright.sync_api import sync_playwright

from covid_model.settings import MANIFEST, MODELS, RUNS, SAMPLES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, noisy_manifest: Path) -> Iterator[str]:
    """The app on a free port, with folders of its own for runs and models, and a manifest of noise."""
    folder = tmp_path_factory.mktemp("user")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    environment = {name: value for name, value in os.environ.items() if name != "COVID_XRAY_DATA"}
    environment |= {
        RUNS.variable: str(folder / "runs"),
        MODELS.variable: str(folder / "models"),
        MANIFEST.variable: str(noisy_manifest),
    }
    environment[SAMPLES.variable] = str(folder / "samples")
    server = subprocess.Popen(
        [*command, "--server.port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def page(address: str):
    """A fresh browser page; the test fails when the console shows an error."""

    errors: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1440, "height": 1000})
        tab.on("console", lambda message: errors.append(f"{message.text} {message.location}") if is_fault(message) else None)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.set_default_timeout(90_000)
        yield tab
        browser.close()
    assert not errors, errors
