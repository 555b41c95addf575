"""The network of both stages of the generator: a small U-Net that predicts a flow.

Each level halves the grid; time and kind of image scale and shift every block (FiLM, Perez 2018, eq. 1).
"""

import math

import keras
from keras import layers

from covid_model.build.synthetic.stages import FlowShape
from covid_model.training.train_step import built_in

TIME_WAVES = 32


def build_flow_network(shape: FlowShape, precision: str = "float32") -> keras.Model:
    """The network with its layers computing in `precision`, a name of a Keras policy."""
    return built_in(precision, lambda: _flow_network(shape))


def _flow_network(shape: FlowShape) -> keras.Model:
    """Inputs: noisy (b, h, w, 1) and condition (b, h, w, conditions) side by side as (b, h, w, 1 + conditions), time (b,)
    in [0, 1], kind (b,) int. Output: (b, h, w, 1) float32, what the stage learns. h, w: multiples of
    patch * 2^(levels - 1).
    """
    picture = keras.Input((None, None, 1 + shape.conditions), name="picture")
    time = keras.Input((), name="time")
    kind = keras.Input((), dtype="int32", name="kind")
    signal = _signal(time, kind, shape)
    x = layers.Conv2D(shape.widths[0], shape.patch, shape.patch, name="into_patches")(picture)
    skips = []
    for level, width in enumerate(shape.widths):
        if level:
            x = layers.Conv2D(width, 3, 2, "same", name=f"halve{level}")(x)
        deepest = level == len(shape.widths) - 1
        for block in range(2):
            x = _block(x, signal, width, f"down{level}_{block}")
            if deepest and shape.attention:
                x = _attend(x, f"attend{level}_{block}")
            skips.append(x)
    for level in reversed(range(len(shape.widths))):
        for block in range(2):
            x = layers.Concatenate(name=f"join{level}_{block}")([x, skips.pop()])
            x = _block(x, signal, shape.widths[level], f"up{level}_{block}")
        if level:
            x = layers.Conv2DTranspose(shape.widths[level - 1], 2, 2, name=f"double{level}")(x)
    x = layers.Activation("silu", name="last_silu")(layers.GroupNormalization(8, name="last_norm")(x))
    out = layers.Conv2DTranspose(
        1, shape.patch, shape.patch, kernel_initializer="zeros", dtype="float32", name="prediction"
    )(x)
    return keras.Model([picture, time, kind], out, name="flow")


def _signal(time: keras.KerasTensor, kind: keras.KerasTensor, shape: FlowShape) -> keras.KerasTensor:
    """Time as waves plus the kind of image: (b, width)."""
    width = 4 * shape.widths[0]
    waves = layers.Lambda(_waves, output_shape=(2 * TIME_WAVES,), name="waves")(time)
    signal = layers.Dense(width, "silu", name="time_dense")(waves)
    if shape.kinds:
        known = layers.Embedding(shape.kinds + 1, width, name="kind_embedding")(kind)
        signal = layers.Add(name="time_and_kind")([signal, known])
    return layers.Dense(width, "silu", name="signal")(signal)


@keras.saving.register_keras_serializable("covid_model")
def _waves(time: keras.KerasTensor) -> keras.KerasTensor:
    rates = keras.ops.exp(keras.ops.linspace(0.0, math.log(1000.0), TIME_WAVES))
    angles = keras.ops.expand_dims(keras.ops.cast(time, "float32"), -1) * rates
    return keras.ops.concatenate([keras.ops.sin(angles), keras.ops.cos(angles)], -1)


def _block(x: keras.KerasTensor, signal: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    """Two convolutions beside a shortcut; the signal scales and shifts between them."""
    shortcut = x if x.shape[-1] == width else layers.Conv2D(width, 1, name=f"{name}_short")(x)
    h = layers.Activation("silu", name=f"{name}_silu1")(layers.GroupNormalization(8, name=f"{name}_norm1")(x))
    h = layers.Conv2D(width, 3, padding="same", name=f"{name}_conv1")(h)
    h = layers.GroupNormalization(8, name=f"{name}_norm2")(h)
    scale = layers.Reshape((1, 1, width), name=f"{name}_scale")(layers.Dense(width, name=f"{name}_gain")(signal))
    shift = layers.Reshape((1, 1, width), name=f"{name}_shift")(layers.Dense(width, name=f"{name}_bias")(signal))
    h = layers.Add(name=f"{name}_image")([h, layers.Multiply(name=f"{name}_times")([h, scale]), shift])
    h = layers.Activation("silu", name=f"{name}_silu2")(h)
    h = layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros", name=f"{name}_conv2")(h)
    return layers.Add(name=name)([shortcut, h])


def _attend(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Self-attention between all cells of the coarsest grid."""
    width = x.shape[-1]
    h = layers.GroupNormalization(8, name=f"{name}_norm")(x)
    h = layers.MultiHeadAttention(4, width // 4, attention_axes=(1, 2), name=f"{name}_heads")(h, h)
    return layers.Add(name=name)([x, h])
