"""Settings and fixtures shared by all tests. TensorFlow stays quiet and on one thread."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["COVID_XRAY_PUBLIC"] = "0"  # AppTest knows no address; tests of the public copy set 1

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covid_model import settings
from covid_model.data.build_report import BuildReport
from covid_model.data.manifest import COLUMNS, write_manifest
from covid_model.data.sources.cohen import COHEN

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Collect test files only: looking for doctests in a helper would import it, and some register throw-away methods."""
    return True if collection_path.suffix == ".py" and not collection_path.name.startswith("test_") else None


@pytest.fixture(autouse=True)
def own_host() -> Iterator[None]:
    """A page that was opened as on a public copy leaves this process as one's own again."""
    yield
    settings._Server.public = False


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """One Chromium for all tests of a process; each takes a context of its own, which shares nothing with the others'."""
    from browsing import CHROMIUM, FLAGS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def real_images() -> Path:
    """The folder of the public data sets, or a skip that says what to do."""
    folder = Path(os.environ.get("COVID_XRAY_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / COHEN.folders[0] / "metadata.csv").is_file():
        pytest.skip(f"no public images at {folder}: set COVID_XRAY_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def noisy_manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of 20 noisy images; those of COVID-19 are brighter."""
    folder, rows = tmp_path_factory.mktemp("images"), []
    for number in range(20):
        label = ("COVID-19", "Normal", "Pneumonia")[number % 3]
        grey = np.random.default_rng(number).normal(150 if label == "COVID-19" else 90, 20, (96, 96))
        path = folder / f"{number}.png"
        Image.fromarray(grey.clip(1, 254).astype(np.uint8)).save(path)
        known = {"path": str(path), "source": "drawn", "patient": f"p{number}", "label": label, "digest": f"{number:064x}"}
        rows.append(dict.fromkeys(COLUMNS, "") | known | {"split": "train" if number < 14 else "val", "age": np.nan})
    write_manifest(pd.DataFrame(rows), BuildReport(0, "frontal"), folder / "manifest.parquet")
    return folder / "manifest.parquet"
