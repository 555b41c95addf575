"""The derivative of the logits by a layer, where no image changes it, is the one TensorFlow finds for an image."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.errors import ExplainError
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.images.read import read_image
from covid_model.models.classifier import load

Head = Callable[[keras.KerasTensor], keras.KerasTensor]


def ending_in(head: Head, units: int = 3) -> TensorFlowBackend:
    """Layer `conv` (8, 8, 5) behind a ReLU, then `head`, then dense `logits`."""
    keras.utils.set_random_seed(4)
    image = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(5, 3, padding="same", activation="relu", name="conv")(image)
    return TensorFlowBackend(keras.Model(image, layers.Dense(units, name="logits")(head(x))))


def pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))


def flattened(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dropout(0.5)(layers.Flatten()(x))


def normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.BatchNormalization(moving_variance_initializer="random_uniform")(x)
    return layers.Dense(4)(layers.Reshape((-1,))(layers.AveragePooling2D(3, 2, padding="same")(x)))


def with_relu(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dense(4, activation="relu")(layers.Flatten()(x))


def with_maximum(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.GlobalMaxPooling2D()(x)


def held_to_gradients(backend: TensorFlowBackend, layer: str, batch: np.ndarray) -> np.ndarray:
    """The constant gradients, after comparing them with those of each unit for each image of the batch."""
    found = backend.constant_gradients(layer)
    assert found is not None
    assert found.dtype == np.float32
    for unit, weights in enumerate(np.eye(backend.units, dtype=np.float32)):
        for gradients in backend.layer_state(batch, weights, layer).gradients:
            np.testing.assert_allclose(found[..., unit], gradients, rtol=0, atol=1e-6)
    return found


@pytest.mark.parametrize("head", [pooled, flattened, normalised])
@pytest.mark.parametrize("units", [1, 3])
def test_affine_heads_have_the_gradients_that_tensorflow_finds(head: Head, units: int) -> None:
    backend = ending_in(head, units)
    batch = np.random.default_rng(0).normal(size=(2, 8, 8, 2)).astype(np.float32)
    assert held_to_gradients(backend, "conv", batch).shape == (8, 8, 5, units)


def test_after_pooling_every_cell_has_its_share_of_the_kernel() -> None:
    backend = ending_in(pooled)
    kernel = backend.network.get_layer("logits").get_weights()[0]
    found = backend.constant_gradients("conv")
    np.testing.assert_allclose(found, np.broadcast_to(kernel / 64, found.shape), atol=1e-8)


def test_they_follow_weights_that_change() -> None:
    backend = ending_in(pooled)
    before = backend.constant_gradients("conv")
    dense = backend.network.get_layer("logits")
    dense.set_weights([2 * dense.get_weights()[0], dense.get_weights()[1]])
    np.testing.assert_allclose(backend.constant_gradients("conv"), 2 * before, rtol=1e-6)


@pytest.mark.parametrize("head", [with_relu, with_maximum])
def test_other_heads_have_none(head: Head) -> None:
    assert ending_in(head).constant_gradients("conv") is None


def test_a_layer_that_some_of_the_image_goes_past_has_none() -> None:
    image = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(2, 1, name="conv")(image)
    x = layers.Flatten()(layers.Add()([x, image]))
    assert TensorFlowBackend(keras.Model(image, layers.Dense(3, name="logits")(x))).constant_gradients("conv") is None


@pytest.mark.parametrize(("layer", "words"), [("nowhere", "no layer 'nowhere'"), ("logits", "height, width, channels")])
def test_layers_without_a_map_are_refused(layer: str, words: str) -> None:
    with pytest.raises(ExplainError, match=words):
        ending_in(pooled).constant_gradients(layer)


def test_the_last_layer_of_a_shipped_model_has_them_and_earlier_ones_do_not() -> None:
    classifier = load("lungs")
    batch = classifier.prepare(read_image(phantom_png(PHANTOMS["hazy"]))).batch
    assert held_to_gradients(classifier.gradients, "top", batch).shape == (10, 10, 1280, 3)
    assert classifier.gradients.constant_gradients("block5c") is None
