"""A small network that trains in about a minute on two cores, for the demo data set."""

from typing import Final

import keras
from keras import layers

SIDE: Final = 96
FILTERS: Final = (16, 32, 64, 64)


def build_small_cnn(units: int) -> keras.Model:
    """(96, 96, 1) -> four times Conv, batch normalisation and pool; global mean and maximum; `units` logits.

    The batch statistics follow quickly (momentum 0.9), since a training has only a few hundred steps.
    """
    image = x = keras.Input((SIDE, SIDE, 1), name="image")
    for number, filters in enumerate(FILTERS, 1):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"block{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.Concatenate(name="pooled")(
        [layers.GlobalAveragePooling2D(name="mean")(x), layers.GlobalMaxPooling2D(name="max")(x)]
    )
    return keras.Model(image, layers.Dense(units, name="logits")(x), name="small_cnn")
