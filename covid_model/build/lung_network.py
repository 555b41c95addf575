"""The lung segmentation network: a U-Net (Ronneberger 2015) whose encoder is the first half of EfficientNet-Lite0."""

from typing import Final

import keras
from keras import layers

from covid_model.models.efficientnet_lite0 import trunk

SIZE: Final = (256, 256)
"""Input height and width; the image is resized to it without keeping its aspect ratio."""

DECODER: Final = (("block3b", 64), ("block2b", 48), ("block1a", 32))
"""(encoder output joined by the skip connection, filters) from coarse to fine: strides 8, 4, 2."""


def _convolved(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """3x3 convolution, batch normalisation, ReLU.

    Momentum 0.9, since a few thousand steps are too few for the moving statistics at the usual 0.99.
    """
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=name)(x)


def build_lung_network() -> keras.Model:
    """`image` (batch, 256, 256, 3) in [-1, 1] -> `logits` (batch, 256, 256, 1), positive inside the lungs."""
    image, encoder = trunk(SIZE, last="block4c")
    x = encoder["block4c"]
    for step, (skip, filters) in enumerate(DECODER, 1):
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{step}")(x)
        x = layers.Concatenate(name=f"join{step}")([x, encoder[skip]])
        x = _convolved(x, filters, f"decode{step}a")
        x = _convolved(x, filters, f"decode{step}b")
    x = layers.Conv2D(1, 1, name="half_logits")(x)
    logits = layers.UpSampling2D(2, interpolation="bilinear", name="logits")(x)
    return keras.Model(image, logits, name="lung_unet")
