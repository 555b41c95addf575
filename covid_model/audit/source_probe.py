"""The source probe: a small classifier that names the data source from a model's embedding."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from covid_model.backends.base import EMBEDDING, Array, Backend, run_in_chunks
from covid_model.files import write_json
from covid_model.models.user_models import folder_of


@dataclass(frozen=True)
class SourceProbe:
    """A logistic regression from a model's embedding to the source of the image, with its own card.

    sources: names in the order of the outputs. mean, scale: (features,) of the training images. weights: (sources,
    features). bias: (sources,). balanced_accuracy: on the test split, an interval as a dict. weights_sha256: of the model.
    """

    model: str
    sources: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    balanced_accuracy: dict[str, Any]
    images: dict[str, int]
    weights_sha256: str
    data_hash: str
    date: str
    version: str

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(images, features) -> (images, sources), rows summing to 1."""
        standard = (features - np.array(self.mean)) / np.array(self.scale)
        return np.asarray(softmax(standard @ np.array(self.weights).T + np.array(self.bias), axis=1))

    def save(self, folder: Path) -> Path:
        """Write `<model>.source.json`."""
        path = folder / f"{self.model}.source.json"
        write_json(path, asdict(self), indent=None)
        return path


def load_probe(model: str, digest: str, folder: Path | None = None) -> SourceProbe | None:
    """The probe beside a model; None where there is none, or one for other weights."""
    path = (folder or folder_of(model)) / f"{model}.source.json"
    if not path.is_file():
        return None
    cells = json.loads(path.read_text("utf-8"))
    lists = {name: tuple(cells[name]) for name in ("sources", "mean", "scale", "bias")}
    probe = SourceProbe(**{**cells, **lists, "weights": tuple(map(tuple, cells["weights"]))})
    return probe if probe.weights_sha256 == digest else None


def embedding(backend: Backend, batch: Array) -> Array:
    """(b, features): what the layer `logits` receives (the penultimate layer) for a batch (b, H, W, c)."""
    return run_in_chunks(backend, batch, EMBEDDING)
