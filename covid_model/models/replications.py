"""Replications of the networks of student projects by their descriptions, each a flat functional graph with named layers.

Where a description is silent the simplest choice is made: 3x3 kernels, stride 1, no padding, max pooling by 2, ReLU.
The last sigmoid or softmax is left out, since the networks of all models end in logits.
"""

import keras
from keras import layers


def _conv(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    return layers.Conv2D(filters, 3, activation="relu", name=name)(x)


def _pool(x: keras.KerasTensor, name: str, dropout: float = 0.0) -> keras.KerasTensor:
    x = layers.MaxPooling2D(name=name)(x)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def build_steveroger() -> keras.Model:
    """(64, 64, 3) -> Conv 32, Conv 64, Flatten, Dense 8, one unit. Input size: not said; 64 keeps the dense layer small."""
    image = keras.Input((64, 64, 3), name="image")
    x = _conv(_conv(image, 32, "conv1"), 64, "conv2")
    x = layers.Dense(8, activation="relu", name="dense")(layers.Flatten(name="flat")(x))
    return keras.Model(image, layers.Dense(1, name="logits")(x), name="steveroger")


def build_anshul() -> keras.Model:
    """(100, 100, 3) -> three times Conv and pool (32, 64, 128), Flatten, Dense 64, two units.

    "Several CNNs tried", not said which; this is the usual one of its time.
    """
    image = x = keras.Input((100, 100, 3), name="image")
    for number, filters in enumerate((32, 64, 128), 1):
        x = _pool(_conv(x, filters, f"conv{number}"), f"pool{number}")
    x = layers.Dense(64, activation="relu", name="dense")(layers.Flatten(name="flat")(x))
    return keras.Model(image, layers.Dense(2, name="logits")(x), name="anshul")


def build_interpretable_cnn() -> keras.Model:
    """(224, 224, 3) -> Conv 32, Conv 64, pool, Conv 64, pool, Conv 128, pool, Flatten, Dense 64, one unit.

    Dropout 0.25 after each pool and 0.5 after the dense layer.
    """
    image = keras.Input((224, 224, 3), name="image")
    x = _pool(_conv(_conv(image, 32, "conv1"), 64, "conv2"), "pool1", 0.25)
    x = _pool(_conv(x, 64, "conv3"), "pool2", 0.25)
    x = _pool(_conv(x, 128, "conv4"), "pool3", 0.25)
    x = layers.Dense(64, activation="relu", name="dense")(layers.Flatten(name="flat")(x))
    x = layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(image, layers.Dense(1, name="logits")(x), name="interpretable_cnn")


def build_corona_3class() -> keras.Model:
    """(224, 224, 3) in 0-255 -> Conv 32, pool, Conv 64, pool, Flatten, three units."""
    image = keras.Input((224, 224, 3), name="image")
    x = _pool(_conv(image, 32, "conv1"), "pool1")
    x = _pool(_conv(x, 64, "conv2"), "pool2")
    return keras.Model(image, layers.Dense(3, name="logits")(layers.Flatten(name="flat")(x)), name="corona_3class")
