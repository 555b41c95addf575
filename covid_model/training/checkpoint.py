"""The state of a training on disk: written whole or not at all, and read back exactly."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from covid_model.errors import RunError
from covid_model.files import written_whole


def write_state(path: Path, arrays: dict[str, list[np.ndarray]], about: dict[str, Any]) -> None:
    """Lists of arrays by name and JSON values, as one .npz. Raises RunError where the disk is full or not writable."""
    flat = {f"{name}/{k}": values for name, several in arrays.items() for k, values in enumerate(several)}
    try:
        with written_whole(path) as partial, partial.open("wb") as stream:
            np.savez(stream, about=np.array(json.dumps(about)), **flat)  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise RunError(f"The checkpoint cannot be written: {error.strerror}. The one before it is kept.") from error


def read_state(path: Path) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
    """What `write_state` wrote. Raises RunError where there is nothing, or it is damaged."""
    try:
        with np.load(path) as file:
            about = json.loads(str(file["about"]))
            arrays: dict[str, list[np.ndarray]] = {}
            names = [key.split("/") for key in file.files if key != "about"]
            for name, number in sorted(names, key=lambda pair: (pair[0], int(pair[1]))):
                arrays.setdefault(name, []).append(file[f"{name}/{number}"])
    except FileNotFoundError:
        raise RunError("The run has no checkpoint yet; start it anew in another folder.") from None
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise RunError(f"The checkpoint {path.name} is damaged: {error}") from error
    return arrays, about
