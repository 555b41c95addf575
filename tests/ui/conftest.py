"""The running app and a browser before it, for the tests that drive both."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from browsing import is_fault, served
from dataset_page import write_manifest
from drawn_report import write_drawn_report
from playwright.sync_api import Browser, Page

from covid_model.settings import MANIFEST, MODELS, REPORTS, RUNS, SAMPLES, THUMBNAILS
from ui.available_images import available_images

OWN_FOLDERS = {RUNS: "runs", MODELS: "models", SAMPLES: "samples", REPORTS: "reports"}


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, noisy_manifest: Path) -> Iterator[str]:
    """The app on a free port, with folders of its own for runs, models and reports, and a manifest of noise."""
    folder = tmp_path_factory.mktemp("user")
    write_drawn_report(folder / "reports" / "drawn", pd.read_parquet(noisy_manifest)["digest"].tolist())
    own = {setting: folder / name for setting, name in OWN_FOLDERS.items()}
    places = own | {MANIFEST: noisy_manifest}
    with served({setting.variable: str(place) for setting, place in places.items()}) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A fresh browser page; the test fails when the console shows an error."""

    errors: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    tab = context.new_page()
    tab.on("console", lambda message: errors.append(f"{message.text} {message.location}") if is_fault(message) else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.set_default_timeout(90_000)
    yield tab
    context.close()
    assert not errors, errors


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The manifest of 30 drawn images, which is the dashboard's."""
    path = write_manifest(tmp_path)
    monkeypatch.setenv(MANIFEST.variable, str(path))
    monkeypatch.setenv(THUMBNAILS.variable, str(tmp_path / "cache"))
    return path


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the dashboard's runs, empty."""
    monkeypatch.setenv(RUNS.variable, str(tmp_path))
    return tmp_path


@pytest.fixture
def no_public_images(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine that has nothing but the project."""
    monkeypatch.delenv("COVID_XRAY_DATA", raising=False)
    available_images.clear()
    yield
    available_images.clear()
