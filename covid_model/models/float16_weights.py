"""Weights as float16: half the size in the repository, float32 in memory."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model.errors import ModelError
from covid_model.models.specs import ModelSpec

if TYPE_CHECKING:
    import keras


def write_float16_weights(network: "keras.Model", path: Path) -> None:
    """Write the weights, layer by layer, as float16. Raises ModelError for values that float16 cannot hold."""
    arrays = {}
    for weight in network.weights:
        values = np.asarray(weight)
        if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
            raise ModelError(f"{weight.path} holds values beyond float16.")
        arrays[weight.path] = values.astype(np.float16)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def read_float16_weights(row: ModelSpec, path: Path) -> "keras.Model":
    """The network of `row` with weights from `path`. Raises ModelError for weights of another network or a damaged file."""
    network = row.build()
    try:
        with np.load(path) as file:
            network.set_weights([file[weight.path].astype(np.float32) for weight in network.weights])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path.name} does not hold the weights of {row.architecture}: {error}") from error
    return network
