"""A loaded classifier: network, card and lock together, and how an image is made ready for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import LOGITS, Backend
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.errors import ModelError
from covid_model.files import file_sha256
from covid_model.images.preprocess import ModelInput, preprocess
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungMask, LungSegmenter
from covid_model.models.calibration import calibrated
from covid_model.models.card import Card, read_card
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.models.user_models import folder_of, row_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image made ready for one model: its input, and the lungs found on the image."""

    model_input: ModelInput
    lungs: LungMask

    @property
    def batch(self) -> NDArray[np.float32]:
        """(1, height, width, channels) float32."""
        return self.model_input.pixels[None]


@dataclass(eq=False)
class Classifier:
    """A model that is ready to answer. One instance serves every thread: its backend guards itself.

    backend: answers for the network. weights_digest: sha256 hex of the weight file.
    """

    key: str
    card: Card
    backend: TensorFlowBackend
    weights_digest: str
    segmenter: LungSegmenter

    @property
    def forward(self) -> Backend:
        """Who answers forward passes."""
        return self.backend

    @property
    def gradients(self) -> TensorFlowBackend:
        """Who differentiates."""
        return self.backend

    @property
    def network(self) -> "keras.Model":
        """The flat functional Keras graph, input `image`, output `logits`."""
        return self.backend.network

    def prepare(self, image: XrayImage, lungs: LungMask | None = None) -> Prepared:
        """Make the model's input; the lungs are found first unless they are given."""
        lungs = self.segmenter.find(image.pixels) if lungs is None else lungs
        return Prepared(preprocess(image, self.card.preprocessing, lungs.mask), lungs)

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """(b, height, width, channels) -> (b, units) float32, from one forward pass."""
        return self.forward.run(batch)[LOGITS]

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities (b, classes) of logits (b, units), as `calibration.calibrated` and the card say."""
        return calibrated(logits, self.card.temperature, self.card.head)


def load(key: str = DEFAULT_MODEL, segmenter: LungSegmenter | None = None, folder: Path | None = None) -> Classifier:
    """Load a model from `folder`, by default from where it lies (`models.user_models.folder_of`).

    Pass a `segmenter` to share one between models.

    Raises ModelError for an unknown key, missing weights, or weights that are not the ones the card describes.
    """
    import keras

    from covid_model.models.float16_weights import read_float16_weights

    row = row_of(key)
    folder = folder or folder_of(key)
    card, weights = read_card(folder / row.card_name), folder / row.weights_name
    if not weights.is_file():
        raise ModelError(f"The weights of model {key!r} are missing: {weights.name}.")
    digest = file_sha256(weights)
    if digest != card.weights_sha256:
        raise ModelError(f"{weights.name} is not the file its card describes; fetch both again.")
    network = read_float16_weights(row, weights) if row.half else keras.saving.load_model(weights, compile=False)
    return Classifier(key, card, TensorFlowBackend(network), digest, segmenter or LungSegmenter.load())
