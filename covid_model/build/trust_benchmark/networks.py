"""The networks of the benchmark, small ones of the shapes in the zoo, and their training on drawn images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.build.trust_benchmark.drawn import Case, Drawing, draw
from covid_model.images.preprocess import Preprocessing, preprocess
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.card import Card
from covid_model.models.classifier import Classifier

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

CLASSES: Final = ("Clear", "Opacity")
OPACITY: Final = CLASSES[1]
FIRST_HELD_OUT: Final = 1_000_000
"""Seeds of cases from here on are never trained on."""


@dataclass(frozen=True)
class Network:
    """label: for tables. size: side of the input. channels: of it. layer: where maps are taken. build: the untrained graph.

    images, epochs, rate: of the training. frozen: is only the layer "logits" trained?
    """

    label: str
    size: int
    channels: int
    layer: str
    build: Callable[[], "keras.Model"]
    images: int = 768
    epochs: int = 10
    rate: float = 4e-3
    frozen: bool = False


def _conv(x: "keras.KerasTensor", filters: int, number: int) -> "keras.KerasTensor":
    from keras import layers

    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
    return layers.ReLU(name=f"relu{number}")(x)


def _trunk() -> "tuple[keras.KerasTensor, keras.KerasTensor]":
    import keras
    from keras import layers

    image = x = keras.Input((64, 64, 1), name="image")
    for number, filters in enumerate((8, 16), 1):
        x = layers.MaxPooling2D(name=f"pool{number}")(_conv(x, filters, number))
    return image, _conv(x, 32, 3)


def build_pooled() -> "keras.Model":
    """(64, 64, 1) -> three convolutions, global average pooling, two logits."""
    import keras
    from keras import layers

    image, x = _trunk()
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(2, name="logits")(x), name="pooled")


def build_flattened() -> "keras.Model":
    """(64, 64, 1) -> three convolutions, pool, flatten, dense 16, two logits: the shape of the replications."""
    import keras
    from keras import layers

    image, x = _trunk()
    x = layers.Flatten(name="flat")(layers.MaxPooling2D(name="pool3")(x))
    x = layers.BatchNormalization(momentum=0.9, name="norm4")(layers.Dense(16, use_bias=False, name="dense")(x))
    x = layers.ReLU(name="relu4")(x)
    return keras.Model(image, layers.Dense(2, name="logits")(x), name="flattened")


def build_lite0() -> "keras.Model":
    """(96, 96, 3) -> EfficientNet-Lite0 up to block 5c with ImageNet weights, global average pooling, two logits."""
    import keras
    from keras import layers

    from covid_model.models.efficientnet_lite0 import copy_weights, trunk
    from covid_model.models.imagenet import imagenet_lite0

    image, outputs = trunk((96, 96), LITE0_LAYER)
    pooled = layers.GlobalAveragePooling2D(name="pool")(outputs[LITE0_LAYER])
    network = keras.Model(image, layers.Dense(2, name="logits")(pooled), name="lite0")
    copy_weights(imagenet_lite0(), network)
    return network


LITE0_LAYER: Final = "block5c"
"""The last block with cells of 16 pixels: an image of 96 pixels gives 6 x 6 of them."""

NETWORKS: Final[dict[str, Network]] = {
    "pooled": Network("three convolutions, global average pooling", 64, 1, "relu3", build_pooled),
    "flattened": Network("three convolutions, flatten, dense", 64, 1, "relu3", build_flattened, rate=1.5e-3),
    "lite0": Network(
        "EfficientNet-Lite0, trunk as ImageNet left it", 96, 3, LITE0_LAYER, build_lite0, 512, 150, 2e-2, frozen=True
    ),
}


def preprocessing_of(network: Network) -> Preprocessing:
    """How a drawing becomes the input of a network: the whole image."""
    return Preprocessing(size=(network.size, network.size), channels=network.channels, scaling="signed")


def inputs_of(drawings: Sequence[Drawing], network: Network) -> Array:
    """(n, size, size, channels) float32 in [-1, 1]."""
    spec = preprocessing_of(network)
    return np.stack([preprocess(drawing.image, spec).pixels for drawing in drawings])


def training_cases(kind: str, strength: float, seed: int, count: int) -> list[Case]:
    """Half with an opacity; the shortcut agrees with the label in a share of (1 + strength) / 2 of them."""
    rng = np.random.default_rng((seed, 4))
    cases = []
    for number in range(count):
        opacity = number % 2 == 1
        agrees = rng.random() < (1 + strength) / 2
        cases.append(Case(seed * count + number, kind, opacity, opacity if agrees else not opacity))
    return cases


def train(name: str, kind: str, strength: float, seed: int) -> Classifier:
    """A network trained on drawings in which a shortcut predicts the label with a strength in [0, 1]."""
    import keras

    network = NETWORKS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = network.build()
    drawings = [draw(case) for case in training_cases(kind, strength, seed, network.images)]
    labels = np.array([int(drawing.case.opacity) for drawing in drawings])
    _fit(model, inputs_of(drawings, network), labels, network)
    key = f"{name}-{kind}-{strength:g}-{seed}".replace(" ", "-")
    return Classifier(key, _card(key, network), TensorFlowBackend(model), "0" * 64, LungSegmenter.load())


def _fit(model: "keras.Model", images: Array, labels: NDArray[np.int64], network: Network) -> None:
    """Adam with a rate that falls to zero along a cosine; of a frozen network the last layer on features computed once."""
    import keras

    trained, batch = model, 32
    if network.frozen:
        features = keras.Model(model.input, model.get_layer("logits").input)
        images, batch = np.asarray(features.predict(images, batch_size=32, verbose=0)), len(images)
        spread = keras.layers.Normalization()
        spread.adapt(images)
        head = keras.layers.Dense(2)
        trained = keras.Sequential([keras.Input(images.shape[1:]), spread, head])
    steps = network.epochs * -(-len(images) // batch)
    rate = keras.optimizers.schedules.CosineDecay(network.rate, steps)
    trained.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    trained.fit(images, labels, batch_size=batch, epochs=network.epochs, verbose=0)
    if network.frozen:
        mean, deviation = (np.asarray(part).ravel() for part in (spread.mean, np.sqrt(spread.variance)))
        kernel, bias = head.get_weights()
        kernel = kernel / np.maximum(deviation, 1e-6)[:, None]
        model.get_layer("logits").set_weights([kernel, bias - mean @ kernel])


def _card(key: str, network: Network) -> Card:
    return Card(
        key=key,
        title=key,
        summary=network.label,
        architecture="trust benchmark",
        classes=CLASSES,
        preprocessing=preprocessing_of(network),
        explanation_layers=(network.layer,),
        limits=("Trained on drawings to measure trust tests; useless for X-rays.",),
        temperature=1.0,
        thresholds={},
        training={},
        weights_sha256="0" * 64,
        date=datetime.now(UTC).isoformat("T", "seconds"),
        version=__version__,
    )
