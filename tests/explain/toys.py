"""Small networks whose heatmaps can be computed by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.images.preprocess import Preprocessing, preprocess
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungMask
from covid_model.models.calibration import calibrated
from covid_model.models.classifier import Prepared
from covid_model.models.predict import Prediction

CLASSES = ("COVID-19", "Pneumonia", "Normal")
KERNEL = np.random.default_rng(0).normal(size=(1, 1, 1, 4)).astype(np.float32)
DENSE = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)


@contextmanager
def eagerly(do: bool = True) -> Iterator[None]:
    """Nothing is compiled inside, unless `do` is False."""
    tf.config.run_functions_eagerly(do)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def pooled_network(units: int = 3) -> TensorFlowBackend:
    """1x1 convolution `conv` with KERNEL, global average pooling, dense `logits` with DENSE: linear throughout."""
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 1, use_bias=False, name="conv")(image)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, layers.Dense(units, use_bias=False, name="logits")(x))
    model.get_layer("conv").set_weights([KERNEL])
    model.get_layer("logits").set_weights([DENSE[:, :units]])
    return TensorFlowBackend(model)


def branched_network() -> TensorFlowBackend:
    """A residual block with ReLU and a flatten-dense head, so that the gradient differs from place to place."""
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", activation="relu", name="stem")(image)
    y = layers.Conv2D(6, 3, padding="same", activation="relu", name="branch")(x)
    x = layers.Add(name="block")([x, y])
    x = layers.MaxPooling2D(name="halved")(x)
    x = layers.Flatten(name="flat")(x)
    return TensorFlowBackend(keras.Model(image, layers.Dense(3, name="logits")(x)))


@dataclass(frozen=True)
class ToyCard:
    """The parts of a card that an explanation reads."""

    classes: tuple[str, ...] = CLASSES
    explanation_layers: tuple[str, ...] = ("conv",)


@dataclass(eq=False)
class ToyClassifier:
    """The parts of a loaded model that an explanation uses."""

    backend: TensorFlowBackend = field(default_factory=pooled_network)
    card: ToyCard = field(default_factory=ToyCard)
    key: str = "toy"
    weights_digest: str = "1" * 64

    @property
    def forward(self) -> TensorFlowBackend:
        return self.backend

    @property
    def gradients(self) -> TensorFlowBackend:
        return self.backend


def toy_prediction(classifier: ToyClassifier, seed: int = 0) -> Prediction:
    """What the toy says about a random (80, 64) image, of which it sees (8, 8, 1)."""
    image = XrayImage(np.random.default_rng(seed).random((80, 64)).astype(np.float32), str(seed) * 64, "png")
    lungs = LungMask(np.ones(image.shape, bool), "good", (), 1.0, 1.0)
    prepared = Prepared(preprocess(image, Preprocessing(size=(8, 8), channels=1, scaling="unit")), lungs)
    logits = classifier.backend.run(prepared.batch)["logits"]
    named = dict(zip(CLASSES, calibrated(logits, 1.0)[0].tolist(), strict=True))
    return Prediction(classifier.key, classifier.weights_digest, image.digest, logits[0], named, prepared, (), 0.0)
