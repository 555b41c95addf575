"""EfficientNet-Lite0 as one flat functional graph, every layer named.

Tan & Le 2019 (arXiv 1905.11946) in its "lite" form: no squeeze-and-excitation, ReLU6 instead of swish, fixed stem and head.
A block's output has the block's name ("block5c"), by which it is chosen as explanation layer: it is the sum after the skip
connection, not the last convolution inside one branch.
"""

from typing import Final, NamedTuple

import keras
from keras import layers

BN_EPSILON: Final = 1e-3


class Stage(NamedTuple):
    """One row of the architecture table: repeats of an inverted bottleneck, the first of them with `stride`."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    filters: int


STAGES: Final = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def block_names() -> tuple[str, ...]:
    """Block names in order: block1a, block2a, block2b, ... block7a."""
    return tuple(f"block{s}{'abcd'[r]}" for s, stage in enumerate(STAGES, 1) for r in range(stage.repeats))


def _normalised(x: keras.KerasTensor, name: str, activate: str | None) -> keras.KerasTensor:
    """Batch normalisation, then ReLU6 under the name `activate` where one is given."""
    x = layers.BatchNormalization(epsilon=BN_EPSILON, momentum=0.99, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=activate)(x) if activate else x


def _block(x: keras.KerasTensor, stage: Stage, stride: int, name: str) -> keras.KerasTensor:
    """Inverted bottleneck: 1x1 expansion, depthwise convolution, 1x1 projection, skip where shapes agree."""
    start, width = x, x.shape[-1]
    if stage.expand > 1:
        x = layers.Conv2D(width * stage.expand, 1, use_bias=False, name=f"{name}_expand")(x)
        x = _normalised(x, f"{name}_expand", f"{name}_expand_relu")
    x = layers.DepthwiseConv2D(stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _normalised(x, f"{name}_depthwise", f"{name}_depthwise_relu")
    x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}_project")(x)
    skip = stride == 1 and width == stage.filters
    x = layers.BatchNormalization(epsilon=BN_EPSILON, name=f"{name}_project_bn" if skip else name)(x)
    return layers.Add(name=name)([x, start]) if skip else x


def trunk(size: tuple[int, int], last: str = "top") -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """The graph from input `image` (batch, *size, 3) in [-1, 1] up to the block `last`.

    Returns the input tensor and the outputs by name: every block, and "top" (batch, h/32, w/32, 1280) where it is reached.
    """
    image = keras.Input((*size, 3), name="image")
    x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="stem_conv")(image)
    x = _normalised(x, "stem", "stem")
    outputs: dict[str, keras.KerasTensor] = {}
    for number, stage in enumerate(STAGES, 1):
        for repeat in range(stage.repeats):
            name = f"block{number}{'abcd'[repeat]}"
            outputs[name] = x = _block(x, stage, stage.stride if repeat == 0 else 1, name)
            if name == last:
                return image, outputs
    x = layers.Conv2D(1280, 1, use_bias=False, name="top_conv")(x)
    outputs["top"] = _normalised(x, "top", "top")
    return image, outputs


def build_lite0(classes: int, size: tuple[int, int] = (224, 224), dropout: float = 0.2) -> keras.Model:
    """Classifier: trunk, global average pooling ("pool"), dropout, dense "logits" (batch, classes)."""
    image, outputs = trunk(size)
    x = layers.GlobalAveragePooling2D(name="pool")(outputs["top"])
    x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)
    return keras.Model(image, logits, name="efficientnet_lite0")


def build_features(size: tuple[int, int] = (224, 224)) -> keras.Model:
    """The trunk alone, (batch, *size, 3) -> "top"; the shape in which ImageNet weights are kept."""
    image, outputs = trunk(size)
    return keras.Model(image, outputs["top"], name="efficientnet_lite0_features")


def copy_weights(source: keras.Model, target: keras.Model) -> int:
    """Copy the weights of every layer of `target` but the last that `source` has under the same name; returns how many."""
    names = {layer.name for layer in source.layers} - {"logits"}
    copied = [layer for layer in target.layers if layer.name in names and layer.weights]
    for layer in copied:
        layer.set_weights(source.get_layer(layer.name).get_weights())
    return len(copied)
