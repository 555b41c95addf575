"""TensorFlow as the engine of a Keras network: compiled functions, each traced once and kept with the backend.

tf-keras-vis rebuilds a sub-model and runs eagerly at each call; here the target is an argument of one traced graph.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from covid_model.backends.base import EMBEDDING, LOGITS, Array, LayerState, threads_of_a_pass
from covid_model.errors import ExplainError

if TYPE_CHECKING:
    import keras


def start_tensorflow() -> None:
    """Import TensorFlow and Keras, and give a pass the threads that ONNX Runtime's has, so that the two share the cores.

    For servers, which never train. Without effect on the threads where TensorFlow has begun to compute.
    """
    import keras  # noqa: F401
    import tensorflow as tf

    with suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads_of_a_pass())
        tf.config.threading.set_inter_op_parallelism_threads(1)


class TensorFlowBackend:
    """Forward passes and gradients of a flat functional Keras graph whose last layer is "logits".

    One lock guards every call, taken for that call alone, so that long work of many calls lets others in between.
    """

    def __init__(self, network: "keras.Model") -> None:
        self.network = network
        self._functions: dict[tuple[str, ...], Callable[..., Any]] = {}
        self._lock = threading.RLock()

    @property
    def forward(self) -> "TensorFlowBackend":
        """Itself: it answers forward passes as well."""
        return self

    @property
    def gradients(self) -> "TensorFlowBackend":
        """Itself."""
        return self

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self.network.input_shape[1:]
        return height, width, channels

    @property
    def units(self) -> int:
        """Number of logits."""
        return int(self.network.output_shape[-1])

    def run(self, batch: Array, outputs: Sequence[str] = (LOGITS,)) -> dict[str, Array]:
        """As `base.Backend.run`."""
        names = tuple(outputs)
        found = self._call(("run", *names), lambda: self.forward_function(names), batch)
        return {name: np.asarray(found[name]) for name in names}

    def constant_gradients(self, layer: str) -> Array | None:
        """As `base.Backend.constant_gradients`, from the weights as they are now."""
        found = self._call(("constant", layer), lambda: self._constant_function(layer))
        return None if found is None else np.moveaxis(np.asarray(found), 0, -1)

    def layer_state(self, batch: Array, weights: Array, layer: str) -> LayerState:
        """As `base.GradientBackend.layer_state`."""
        state = self._call(("layer", layer), lambda: self._layer_function(layer), batch, weights)
        return LayerState(*(np.asarray(part) for part in state))

    def input_gradients(self, batch: Array, weights: Array) -> tuple[Array, Array]:
        """As `base.GradientBackend.input_gradients`."""
        gradients, values = self._call(("input",), self._input_function, batch, weights)
        return np.asarray(gradients), np.asarray(values)

    def _call(self, name: tuple[str, ...], make: Callable[[], Callable[..., Any]], *arguments: Array) -> Any:
        """The result of the function called `name`, made on first use."""
        with self._lock:
            if name not in self._functions:
                self._functions[name] = make()
            return self._functions[name](*arguments)

    def _tensor(self, output: str) -> Any:
        if output == LOGITS:
            return self.network.output
        if output == EMBEDDING:
            return self.network.get_layer(LOGITS).input
        if output not in {part.name for part in self.network.layers}:
            raise ExplainError(f"The model has no layer {output!r}; its card names those that can be explained.")
        return self.network.get_layer(output).output

    def _spatial(self, layer: str) -> Any:
        activations = self._tensor(layer)
        if len(activations.shape) != 4:
            raise ExplainError(f"Layer {layer!r} gives {activations.shape}; a map needs (batch, height, width, channels).")
        return activations

    def _images(self) -> Any:
        import tensorflow as tf

        return tf.TensorSpec((None, *self.network.input_shape[1:]), tf.float32)

    def _weights(self) -> Any:
        import tensorflow as tf

        return tf.TensorSpec((self.units,), tf.float32)

    def forward_function(self, outputs: Sequence[str]) -> Any:
        """A compiled function from a batch to a dictionary of the named outputs, not yet traced. Names as in `run`."""
        import keras
        import tensorflow as tf

        network = keras.Model(self.network.input, {name: self._tensor(name) for name in outputs})
        return tf.function(lambda images: network(images, training=False), input_signature=[self._images()])

    def _layer_function(self, layer: str) -> Callable[..., Any]:
        import keras
        import tensorflow as tf

        both = keras.Model(self.network.input, [self._spatial(layer), self.network.output])

        def state(images: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
            images = tf.convert_to_tensor(images)  # an array, where a test runs functions eagerly
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(images)
                features, logits = both(images, training=False)
                score = tf.reduce_sum(logits * weights, axis=-1)
            return features, tape.gradient(score, features), logits

        return tf.function(state, input_signature=[self._images(), self._weights()])

    def _constant_function(self, layer: str) -> Callable[..., Any]:
        import keras
        import tensorflow as tf

        activations = self._spatial(layer)
        try:
            rest = keras.Model(activations, self.network.output)
        except ValueError:  # some of the image reaches the logits past this layer
            return lambda: None
        if not all(_affine(part) for part in rest.layers):
            return lambda: None
        shape = (self.units, *activations.shape[1:])

        def gradients() -> tf.Tensor:
            anywhere = tf.zeros(shape)  # one copy a unit
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(anywhere)
                score = tf.linalg.trace(rest(anywhere, training=False))
            return tape.gradient(score, anywhere)

        return tf.function(gradients, input_signature=[])

    def _input_function(self) -> Callable[..., Any]:
        import keras
        import tensorflow as tf

        network = keras.Model(self.network.input, self.network.output)

        def gradients(images: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            images = tf.convert_to_tensor(images)  # an array, where a test runs functions eagerly
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(images)
                values = tf.reduce_sum(network(images, training=False) * weights, axis=-1)
            return tape.gradient(values, images), values

        return tf.function(gradients, input_signature=[self._images(), self._weights()])


def _affine(layer: "keras.Layer") -> bool:
    """Is the layer, at inference, an affine function of what it receives? False for kinds not known to be."""
    from keras import activations, layers

    plain = (layers.InputLayer, layers.AveragePooling2D, layers.GlobalAveragePooling2D, layers.BatchNormalization)
    shaping = (layers.Flatten, layers.Reshape, layers.Dropout)
    if type(layer) in (layers.Dense, layers.Activation):
        return layer.activation is activations.linear
    return type(layer) in (*plain, *shaping)
