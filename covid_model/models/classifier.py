"""A loaded classifier: card and engines, and the preparation of an image for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Backend, run_in_chunks
from covid_model.backends.engines import NetworkEngines, engines_of
from covid_model.backends.graphs import graph_path
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.errors import ModelError
from covid_model.files import file_sha256
from covid_model.images.preprocess import ModelInput, preprocess
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungMask, LungSegmenter
from covid_model.models.calibration import calibrated
from covid_model.models.card import Card, read_card
from covid_model.models.float16_weights import read_float16_weights
from covid_model.models.specs import DEFAULT_MODEL, ModelSpec
from covid_model.models.user_models import folder_of, row_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image prepared for one model: its input, and the lungs found on the image."""

    model_input: ModelInput
    lungs: LungMask

    @property
    def batch(self) -> NDArray[np.float32]:
        """(1, height, width, channels) float32."""
        return self.model_input.pixels[None]


@dataclass(eq=False)
class Classifier:
    """A model that is ready to predict. Threads may share an instance, since its engines are thread-safe.

    engines: compute the network. weights_digest: sha256 hex of the weight file.
    """

    key: str
    card: Card
    engines: NetworkEngines
    weights_digest: str
    segmenter: LungSegmenter

    @property
    def forward(self) -> Backend:
        """The backend of forward passes."""
        return self.engines.forward

    @property
    def gradients(self) -> TensorFlowBackend:
        """The backend of gradients; the first use may load TensorFlow and the Keras network."""
        return self.engines.gradients

    @property
    def network(self) -> "keras.Model":
        """The flat functional Keras graph, input `image`, output `logits`; loaded on first use."""
        return self.gradients.network

    def prepare(self, image: XrayImage, lungs: LungMask | None = None) -> Prepared:
        """The model's input for an image. lungs: by default they are found first."""
        lungs = self.segmenter.find(image.pixels) if lungs is None else lungs
        return Prepared(preprocess(image, self.card.preprocessing, lungs.mask), lungs)

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """(b, height, width, channels) -> (b, units) float32."""
        return run_in_chunks(self.forward, batch)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities (b, classes) of logits (b, units), as `calibration.calibrated` and the card say."""
        return calibrated(logits, self.card.temperature, self.card.head)


def load(key: str = DEFAULT_MODEL, segmenter: LungSegmenter | None = None, folder: Path | None = None) -> Classifier:
    """Load a model from `folder`, by default from where it is kept (`models.user_models.folder_of`).

    Without TensorFlow where the model's ONNX graph is there and belongs to its weights. Pass a `segmenter` to share one
    between models.

    Raises ModelError for an unknown key, missing weights, or weights that are not the ones the card describes.
    """
    row = row_of(key)
    folder = folder or folder_of(key)
    card, weights = read_card(folder / row.card_name), folder / row.weights_name

    def load_network() -> "keras.Model":
        _require_weights(weights, card)
        return read_network(row.at_size(card.preprocessing.size[0]), weights)

    _require_weights(weights, card)
    digest = card.weights_sha256
    engines = engines_of(graph_path(folder, key), digest, card.graph_outputs, load_network)
    return Classifier(key, card, engines, digest, segmenter or LungSegmenter.load())


def read_network(row: ModelSpec, weights: Path) -> "keras.Model":
    """The Keras network in a weight file of a model. Raises ModelError for a file that does not hold it."""
    if row.float16:
        return read_float16_weights(row, weights)
    import keras

    return keras.saving.load_model(weights, compile=False)


def _require_weights(weights: Path, card: Card) -> None:
    """Raises ModelError where the weight file is missing or not the one that its card describes."""
    if not weights.is_file():
        raise ModelError(f"The weights of model {card.key!r} are missing: {weights.name}.")
    if file_sha256(weights) != card.weights_sha256:
        raise ModelError(f"{weights.name} is not the file its card describes; fetch both again.")
