"""Everything that the environment decides, and where the files that ship are found.

Each variable is a row of SETTINGS; the functions below are the only places that read the environment.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parent

WEIGHTS: Final = PACKAGE / "weights"
"""Shipped weights, each with its card."""

ASSETS: Final = next((path for path in (PACKAGE / "assets", PACKAGE.parent / "assets") if path.is_dir()), PACKAGE / "assets")
"""Logo, synthetic images, tour and recorded runs: inside the installed package, beside it in a checkout."""


@dataclass(frozen=True)
class Setting:
    """One environment variable. default: what holds without it, in words."""

    variable: str
    meaning: str
    default: str


DATA: Final = Setting("COVID_XRAY_DATA", "folder that holds the public downloads", "none are offered")
MODELS: Final = Setting("COVID_XRAY_MODELS", "folder of your own models", "`models` in the working directory")
RUNS: Final = Setting("COVID_XRAY_RUNS", "folder of training runs", "`runs` in the working directory")
MANIFEST: Final = Setting("COVID_XRAY_MANIFEST", "manifest of the data set", "`manifest.parquet` in the working directory")
SAMPLES: Final = Setting("COVID_XRAY_SAMPLES", "folder of fetched public images", "`xray-explained` in the user's cache")
THUMBNAILS: Final = Setting("COVID_XRAY_CACHE", "folder of thumbnails", "one in the system's temporary folder")
SMALL_HOST: Final = Setting("COVID_XRAY_SMALL_HOST", "1 marks a host too small to train on", "off, on Community Cloud on")

SETTINGS: Final = (DATA, MODELS, RUNS, MANIFEST, SAMPLES, THUMBNAILS, SMALL_HOST)


def _value(setting: Setting) -> str:
    return os.environ.get(setting.variable, "")


def data_folder() -> Path | None:
    """The folder of public downloads, or None."""
    return Path(value) if (value := _value(DATA)) else None


def models_folder() -> Path:
    """Where a user's models are kept, weights and card side by side."""
    return Path(_value(MODELS) or "models")


def runs_folder() -> Path:
    """Where training runs are kept."""
    return Path(_value(RUNS) or "runs")


def manifest_path() -> Path:
    """The manifest of the data set, whether it is there or not."""
    return Path(_value(MANIFEST) or "manifest.parquet")


def samples_folder() -> Path:
    """Where fetched public images are kept, outside the project."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(_value(SAMPLES) or Path(cache) / "xray-explained" / "samples")


def thumbnails_folder() -> Path:
    """Where thumbnails are kept."""
    return Path(_value(THUMBNAILS) or Path(tempfile.gettempdir()) / "xray-explained-thumbnails")


def is_small_host() -> bool:
    """Is this a small host shared by strangers? Community Cloud mounts its apps below /mount/src."""
    return bool(_value(SMALL_HOST)) or Path("/mount/src").exists()
