"""Compiled functions of a model, each traced once and kept as long as the model lives.

tf-keras-vis rebuilds a sub-model and runs eagerly at each call; here the class is an argument of one traced graph.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ExplainError
from covid_model.explain.target import Target

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]
Function = Callable[..., Any]
Progress = Callable[[float], None]
"""Called with the share done, in [0, 1]; what it raises cancels the work."""

CHUNK: Final = 8
"""Images in one call where many altered copies of an image are run: faster than one by one, small in memory."""

_compiled: Final["WeakKeyDictionary[keras.Model, dict[str, Function]]"] = WeakKeyDictionary()
_making: Final = threading.Lock()


class LayerState(NamedTuple):
    """What a class activation map is made of, for a batch of b images.

    activations: (b, h, w, k) of the layer. gradients: the target's derivative by them, same shape. logits: (b, units).
    """

    activations: Array
    gradients: Array
    logits: Array


def silent(_: float) -> None:
    """The Progress of whoever does not watch."""


def layer_state(model: "keras.Model", batch: Array, target: Target, layer: str) -> LayerState:
    """Activations of `layer` and their gradients for a batch (b, H, W, c): a forward and a short backward pass.

    Raises ExplainError when the layer is unknown or has no height and width.
    """
    state = compiled(model, f"layer {layer}", lambda: _layer_function(model, layer))(batch, target.row)
    return LayerState(*(np.asarray(part) for part in state))


def input_gradients(model: "keras.Model", batch: Array, target: Target) -> tuple[Array, Array]:
    """The target's derivative by the input, (b, H, W, c), and the target's values, (b,)."""
    gradients, values = compiled(model, "input", lambda: _input_function(model))(batch, target.row)
    return np.asarray(gradients), np.asarray(values)


def logits_of(model: "keras.Model", batch: Array, progress: Progress = silent) -> Array:
    """Logits (b, units) of a batch (b, H, W, c), CHUNK images at a time."""
    forward = compiled(model, "forward", lambda: _forward_function(model))
    parts = []
    for start in range(0, len(batch), CHUNK):
        parts.append(np.asarray(forward(batch[start : start + CHUNK])))
        progress(min(1.0, (start + CHUNK) / len(batch)))
    return np.concatenate(parts)


def compiled(model: "keras.Model", name: str, make: Callable[[], Function]) -> Function:
    """The function of `model` called `name`, made on first use. It must not hold the model itself, or neither is freed."""
    with _making:
        functions = _compiled.setdefault(model, {})
        if name not in functions:
            functions[name] = make()
        return functions[name]


def _images(model: "keras.Model") -> Any:
    import tensorflow as tf

    return tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)


def _weights(model: "keras.Model") -> Any:
    import tensorflow as tf

    return tf.TensorSpec((model.output_shape[-1],), tf.float32)


def _forward_function(model: "keras.Model") -> Function:
    import keras
    import tensorflow as tf

    network = keras.Model(model.inputs, model.output)
    return tf.function(lambda image: network(image, training=False), input_signature=[_images(model)])


def _layer_function(model: "keras.Model", layer: str) -> Function:
    import keras
    import tensorflow as tf

    if layer not in {part.name for part in model.layers}:
        raise ExplainError(f"The model has no layer {layer!r}; its card names those that can be explained.")
    activations = model.get_layer(layer).output
    if len(activations.shape) != 4:
        raise ExplainError(f"Layer {layer!r} gives {activations.shape}; a map needs (batch, height, width, channels).")
    both = keras.Model(model.inputs, [activations, model.output])

    def state(image: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
        image = tf.convert_to_tensor(image)  # an array, where a test runs functions eagerly
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            features, logits = both(image, training=False)
            score = tf.reduce_sum(logits * weights, axis=-1)
        return features, tape.gradient(score, features), logits

    return tf.function(state, input_signature=[_images(model), _weights(model)])


def _input_function(model: "keras.Model") -> Function:
    import keras
    import tensorflow as tf

    network = keras.Model(model.inputs, model.output)

    def gradients(image: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.convert_to_tensor(image)  # an array, where a test runs functions eagerly
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            values = tf.reduce_sum(network(image, training=False) * weights, axis=-1)
        return tape.gradient(values, image), values

    return tf.function(gradients, input_signature=[_images(model), _weights(model)])
