"""The source probe: a small classifier that names the data source from a model's embedding."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import EMBEDDING, Array, Backend, run_in_chunks
from covid_model.backends.probabilities import softmax
from covid_model.files import read_arrays, write_arrays, write_json
from covid_model.models.user_models import folder_of

ARRAYS: Final = ("mean", "scale", "weights", "bias")


@dataclass(frozen=True, eq=False)
class SourceProbe:
    """A logistic regression from a model's embedding to the source of the image, with its own card.

    sources: names in the order of the outputs. mean, scale: (features,) of the training images. weights: (sources,
    features). bias: (sources,). All float32. balanced_accuracy: on the test split, an interval as a dict. weights_sha256: of
    the model.
    """

    model: str
    sources: tuple[str, ...]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    balanced_accuracy: dict[str, Any]
    images: dict[str, int]
    weights_sha256: str
    data_hash: str
    date: str
    version: str

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(images, features) -> (images, sources), rows summing to 1."""
        standard = (features - self.mean.astype(np.float64)) / self.scale
        return softmax(standard @ self.weights.T + self.bias)

    def save(self, folder: Path) -> Path:
        """Write `<model>.source.npz`, its arrays, and `<model>.source.json`, the rest; returns the latter's path."""
        path = folder / f"{self.model}.source.json"
        write_arrays(path.with_suffix(".npz"), {name: getattr(self, name) for name in ARRAYS})
        write_json(path, {name: value for name, value in vars(self).items() if name not in ARRAYS})
        return path


def load_probe(model: str, digest: str, folder: Path | None = None) -> SourceProbe | None:
    """The probe of a model; None where there is none for these weights. digest: sha256 hex of the weights."""
    path = (folder or folder_of(model)) / f"{model}.source.json"
    if not path.is_file():
        return None
    cells = json.loads(path.read_text("utf-8"))
    if cells["weights_sha256"] != digest:
        return None
    return SourceProbe(**{**cells, **read_arrays(path.with_suffix(".npz")), "sources": tuple(cells["sources"])})


def embedding(backend: Backend, batch: Array) -> Array:
    """(b, features): what the layer `logits` receives (the penultimate layer) for a batch (b, H, W, c)."""
    return run_in_chunks(backend, batch, EMBEDDING)
