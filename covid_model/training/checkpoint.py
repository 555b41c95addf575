"""Checkpoints: the state of a training on disk, written completely or not at all, and restored exactly."""

import json
import os
import zlib
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from covid_model.errors import RunError
from covid_model.files import written_whole

LAST: Final = "last.npz"
"""After the last whole epoch."""
PREVIOUS: Final = "previous.npz"
"""After the epoch before, in case the last one cannot be read."""
BEST: Final = "best.npz"
"""The averaged weights of the epoch with the lowest validation loss."""

State = tuple[dict[str, list[np.ndarray]], dict[str, Any]]
"""(arrays by name, JSON values)."""


def write_state(path: Path, arrays: dict[str, list[np.ndarray]], about: dict[str, Any]) -> None:
    """Write lists of arrays by name, and JSON values, as one .npz. Raises RunError where it cannot be written."""
    flat = {f"{name}/{k}": values for name, several in arrays.items() for k, values in enumerate(several)}
    try:
        with written_whole(path) as partial, partial.open("wb") as stream:
            np.savez(stream, about=np.array(json.dumps(about)), **flat)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise RunError(f"The checkpoint cannot be written: {error.strerror}. The one before it is kept.") from error


def read_state(path: Path) -> State:
    """What `write_state` wrote. Raises RunError where the file is missing or damaged."""
    try:
        with path.open("rb") as stream, np.load(stream) as file:
            about = json.loads(str(file["about"]))
            arrays: dict[str, list[np.ndarray]] = {}
            names = [key.split("/") for key in file.files if key != "about"]
            for name, number in sorted(names, key=lambda pair: (pair[0], int(pair[1]))):
                arrays.setdefault(name, []).append(file[f"{name}/{number}"])
    except FileNotFoundError:
        raise RunError(f"The run has no checkpoint {path.name}; train it for an epoch first.") from None
    except (OSError, EOFError, ValueError, KeyError, IndexError, BadZipFile, zlib.error):
        raise RunError(f"The checkpoint {path.name} is damaged; delete it and resume, or start a new run.") from None
    return arrays, about


def write_last(folder: Path, arrays: dict[str, list[np.ndarray]], about: dict[str, Any]) -> None:
    """Write the state after an epoch to LAST; the one before is kept as PREVIOUS."""
    new = folder / "new.npz"
    write_state(new, arrays, about)
    if (folder / LAST).exists():
        (folder / LAST).replace(folder / PREVIOUS)
    new.replace(folder / LAST)


def read_last(folder: Path) -> State | None:
    """The newest state that can be read, None where no epoch was finished. Raises RunError where all are damaged."""
    found = [folder / name for name in (LAST, PREVIOUS) if (folder / name).exists()]
    for path in found:
        try:
            return read_state(path)
        except RunError:
            if path == found[-1]:
                raise
    return None
