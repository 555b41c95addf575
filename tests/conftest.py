"""Settings and fixtures shared by all tests. TensorFlow stays quiet and on one thread."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_films() -> Path:
    """The folder of the public data sets, or a skip that says what to do."""
    folder = Path(os.environ.get("COVID_XRAY_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "covid-chestxray-dataset" / "metadata.csv").is_file():
        pytest.skip(f"no public films at {folder}: set COVID_XRAY_DATA to the folder that holds them")
    return folder
