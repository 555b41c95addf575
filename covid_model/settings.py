"""Settings from environment variables, and the folders of shipped files.

Each variable is a row of SETTINGS; the functions below are the only ones that read the environment.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from covid_model.errors import HostError

PACKAGE: Final = Path(__file__).resolve().parent

WEIGHTS: Final = PACKAGE / "weights"
"""Shipped weights, each with its card."""

ASSETS: Final = next((path for path in (PACKAGE / "assets", PACKAGE.parent / "assets") if path.is_dir()), PACKAGE / "assets")
"""Logo, synthetic images, tour and recorded runs: inside the installed package, beside it in a checkout."""


@dataclass(frozen=True)
class EnvironmentVariable:
    """One environment variable. default: a description of its value when it is not set."""

    variable: str
    meaning: str
    default: str


DATA: Final = EnvironmentVariable("COVID_XRAY_DATA", "folder that holds the public downloads", "none are offered")
MODELS: Final = EnvironmentVariable("COVID_XRAY_MODELS", "folder of your own models", "`models` in the working directory")
RUNS: Final = EnvironmentVariable("COVID_XRAY_RUNS", "folder of training runs", "`runs` in the working directory")
REPORTS: Final = EnvironmentVariable(
    "COVID_XRAY_REPORTS", "folder of your own evaluation reports, one folder each", "`reports` in the working directory"
)
MANIFEST: Final = EnvironmentVariable(
    "COVID_XRAY_MANIFEST", "manifest of the data set", "`manifest.parquet` in the working directory"
)
SAMPLES: Final = EnvironmentVariable(
    "COVID_XRAY_SAMPLES", "folder of fetched public images", "`xray-explained` in the user's cache"
)
STUDY: Final = EnvironmentVariable("COVID_XRAY_STUDY", "folder of reader studies", "`reader-study` in the working directory")
THUMBNAILS: Final = EnvironmentVariable("COVID_XRAY_CACHE", "folder of thumbnails", "one in the system's temporary folder")
PUBLIC: Final = EnvironmentVariable(
    "COVID_XRAY_PUBLIC",
    "1: a public server, without paths, trainings, imports and deletions; 0: your own",
    "1 on Community Cloud and wherever the server listens on more than localhost, else 0",
)

SETTINGS: Final = (DATA, MODELS, RUNS, REPORTS, MANIFEST, SAMPLES, STUDY, THUMBNAILS, PUBLIC)

UPLOADS_PER_MINUTE: Final = 20
"""Different images that one visitor of a public server may upload within a minute."""
MOST_AT_WORK: Final = 30
"""Answers that a public server works on at once; further ones are refused, so that the queue stays short."""

LOCAL: Final = ("localhost", "127.0.0.1", "::1")
COMMUNITY_CLOUD: Final = Path("/mount/src")
"""Where Community Cloud mounts its apps."""


def _value(setting: EnvironmentVariable) -> str:
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


def reports_folder() -> Path:
    """Where a user's evaluation reports are kept."""
    return Path(_value(REPORTS) or "reports")


def manifest_path() -> Path:
    """The path of the manifest, whether it exists or not."""
    return Path(_value(MANIFEST) or "manifest.parquet")


def samples_folder() -> Path:
    """Where fetched public images are kept, outside the project."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(_value(SAMPLES) or Path(cache) / "xray-explained" / "samples")


def study_folder() -> Path:
    """Where the answers of reader studies are kept."""
    return Path(_value(STUDY) or "reader-study")


def thumbnails_folder() -> Path:
    """Where thumbnails are kept."""
    return Path(_value(THUMBNAILS) or Path(tempfile.gettempdir()) / "xray-explained-thumbnails")


class _Server:
    """Whether this process serves the dashboard to the public. False on the command line."""

    public = False


def serve(address: str | None) -> None:
    """Note that this process serves the dashboard on `address` (None: on every address of the host).

    Community Cloud and every server that listens on more than localhost are public, unless PUBLIC is set.
    """
    wanted = _value(PUBLIC)
    _Server.public = wanted != "0" if wanted else COMMUNITY_CLOUD.exists() or address not in LOCAL


def is_public_host() -> bool:
    """Does this process serve the dashboard to the public?"""
    return _Server.public


def require_own_host(action: str) -> None:
    """Raise HostError on a public server. action: what it does not offer, such as "Training"."""
    if _Server.public:
        raise HostError(
            f"{action} is switched off on a public copy; on your own machine, start it with --server.address localhost or "
            f"set {PUBLIC.variable}=0."
        )
