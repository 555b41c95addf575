"""What a model's dense layers receive, as numbers an audit can fit on: pooled features, and how the logits follow them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import EMBEDDING, LOGITS, Array
from covid_model.models.classifier import Classifier

if TYPE_CHECKING:
    import keras

GRID: Final = 4
"""Features with height and width are averaged over GRID x GRID areas, so that a few hundred images suffice for a probe."""


@dataclass(frozen=True)
class ImageFeatures:
    """Of one image. logits: (units,). last: (f,) what the layer `logits` receives, pooled. All float32.

    first: (g,) the same of the first dense layer; slopes: (units, g) the derivative of every logit as a feature moves
    evenly over its area. Both None where `logits` is the only dense layer: then the derivative is the same for all images.
    """

    logits: Array
    last: Array
    first: Array | None = None
    slopes: Array | None = None


class DenseFeatures:
    """The features of one classifier. Loads its Keras network, which alone says how features lie in the image."""

    def __init__(self, classifier: Classifier) -> None:
        import keras

        self._forward, self._network = classifier.forward, classifier.network
        dense = [layer for layer in self._network.layers if isinstance(layer, keras.layers.Dense)]
        self._dense = dense if dense and dense[-1].name == LOGITS else []
        self._shapes = {layer.name: _shape_before(self._network, layer) for layer in self._dense}

    @cached_property
    def weights(self) -> Array | None:
        """(units, f): the derivative of every logit by the features that `logits` receives, pooled as they are.

        None where the network does not end in a dense layer.
        """
        if not self._dense:
            return None
        kernel = np.asarray(self._dense[-1].get_weights()[0], np.float32)
        return pooled(kernel.T, self._shapes[LOGITS], total=True)

    def of(self, batch: Array) -> ImageFeatures:
        """The features of one prepared image (1, height, width, channels)."""
        found = self._forward.run(batch, (LOGITS, EMBEDDING))
        logits, received = found[LOGITS][0], found[EMBEDDING]
        last = pooled(received, self._shapes.get(LOGITS, received.shape[1:]))[0]
        if len(self._dense) < 2:
            return ImageFeatures(logits, last)
        shape = self._shapes[self._dense[0].name]
        first, slopes = self._slopes(batch)
        return ImageFeatures(logits, last, pooled(first, shape)[0], pooled(slopes, shape, total=True))

    @cached_property
    def _derivative(self) -> Any:
        import keras
        import tensorflow as tf

        received = self._dense[0].input
        below = keras.Model(self._network.input, received)
        above = keras.Model(received, self._network.output)

        def derivative(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            features = below(images, training=False)
            with tf.GradientTape() as tape:
                tape.watch(features)
                logits = above(features, training=False)
            return features, tape.jacobian(logits, features)[0, :, 0]

        return tf.function(derivative)

    def _slopes(self, batch: Array) -> tuple[Array, Array]:
        """What the first dense layer receives, (1, n), and the derivative of every logit by it, (units, n)."""
        features, slopes = self._derivative(batch)
        return np.asarray(features), np.asarray(slopes)


def _shape_before(network: "keras.Model", dense: "keras.layers.Dense") -> tuple[int, ...]:
    """The shape that a dense layer's features had before they were flattened, without the batch."""
    import keras

    tensor = dense.input
    while len(tensor.shape) == 2:
        maker = next((layer for layer in network.layers if layer.output is tensor), None)
        if not isinstance(maker, keras.layers.Flatten | keras.layers.Dropout):
            break
        tensor = maker.input
    return tuple(tensor.shape[1:])


def pooled(values: Array, shape: tuple[int, ...], *, total: bool = False) -> Array:
    """Flat features (b, n) of a map of `shape` (h, w, k) over GRID x GRID areas: (b, GRID * GRID * k); others as they are.

    total: their sums instead of their means, which is right for derivatives: of a feature that moves evenly over its area.

    >>> pooled(np.arange(16, dtype=np.float32)[None], (16,)).shape
    (1, 16)
    >>> pooled(np.ones((1, 64), np.float32), (8, 8, 1), total=True).ravel().tolist() == [4.0] * 16
    True
    """
    if len(shape) != 3 or min(shape[:2]) <= GRID:
        return values
    height, width, channels = shape
    grid: NDArray[Any] = values.reshape(len(values), height, width, channels)
    for axis, length in ((1, height), (2, width)):
        starts = np.round(np.arange(GRID) * length / GRID).astype(int)
        counts = np.ones(GRID) if total else np.diff([*starts, length])
        sums = np.moveaxis(np.add.reduceat(grid, starts, axis=axis), axis, -1)
        grid = np.moveaxis(sums / counts.astype(np.float32), -1, axis)
    return np.ascontiguousarray(grid.reshape(len(values), -1), np.float32)
