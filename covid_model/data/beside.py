"""Files of a user that are kept beside a manifest: they belong to its images, measured or not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from covid_model.errors import DataError
from covid_model.files import remove_partials, write_json
from covid_model.settings import require_own_host

MEASURED: Final = "-measured"
"""At the end of the name of a manifest that the dashboard measured."""
WAIT: Final = 5.0
"""Seconds to wait for another writer."""


def measured_path(manifest: Path) -> Path:
    """Where the dashboard writes the measured manifest.

    >>> measured_path(Path("a.parquet")).name, measured_path(Path("a-measured.parquet")).name
    ('a-measured.parquet', 'a-measured.parquet')
    """
    return manifest.with_name(f"{manifest.stem.removesuffix(MEASURED)}{MEASURED}{manifest.suffix}")


def beside(manifest: Path, kind: str) -> Path:
    """The file of one kind beside a manifest, the same for the manifest and its measured copy.

    >>> beside(Path("a-measured.parquet"), "tags.json").name
    'a.tags.json'
    """
    return manifest.with_name(f"{manifest.stem.removesuffix(MEASURED)}.{kind}")


def read_beside(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none or it is damaged."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def change_beside(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], action: str) -> None:
    """Read the JSON object, change it and write it whole, while no other process or session does so.

    action: for messages, such as "Setting a tag". Raises DataError where the file cannot be written, HostError on a public
    copy.
    """
    require_own_host(action)
    try:
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=WAIT):
            remove_partials(path)
            write_json(path, change(read_beside(path)))
    except Timeout:
        raise DataError(f"{action} waited for another writer of {path.name} for {WAIT:.0f} s; try again.") from None
    except OSError as error:
        raise DataError(f"{action} failed, since {path} cannot be written: {error.strerror}.") from error
