"""What the loading process makes of a model: endings, precision, names and axes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from inspections import images, inspected, probabilities
from keras import layers, ops
from model_files import ending, small

from covid_model.errors import ModelError
from covid_model.models.calibration import calibrated
from covid_model.models.inspecting import own_probabilities


def dense(units: int, activation: Any = None) -> Callable:
    """An ending of one fresh dense layer."""

    def build(features: Any) -> Any:
        return layers.Dense(units, activation() if isinstance(activation, type) else activation)(features)

    return build


def complement(features: Any) -> Any:
    share = layers.Dense(1, "sigmoid")(features)
    return layers.Concatenate()([1 - share, share])


def complement_first(features: Any) -> Any:
    share = layers.Dense(1, "sigmoid")(features)
    return layers.Concatenate()([share, 1.0 - share])


def convolved(features: Any) -> Any:
    return layers.Activation("softmax")(layers.Flatten()(layers.Conv2D(3, 1)(layers.Reshape((1, 1, 8))(features))))


ENDINGS: dict[str, tuple[Callable, int, str, int]] = {
    "dense": (dense(3, "softmax"), 3, "multiclass", 3),
    "operation": (lambda x: ops.softmax(layers.Dense(3)(x)), 3, "multiclass", 3),
    "function": (lambda x: keras.activations.softmax(layers.Dense(3)(x)), 3, "multiclass", 3),
    "layer": (lambda x: layers.Softmax()(layers.Dense(3)(x)), 3, "multiclass", 3),
    "layer as argument": (dense(3, layers.Softmax), 3, "multiclass", 3),
    "temperature": (lambda x: layers.Softmax()(layers.Dense(3)(x) / 2.0), 3, "multiclass", 3),
    "before identity": (lambda x: layers.Identity()(layers.Dense(3, "softmax")(x)), 3, "multiclass", 3),
    "before dropout": (lambda x: layers.Dropout(0.5)(layers.Dense(3, "softmax")(x)), 3, "multiclass", 3),
    "before reshape": (lambda x: layers.Reshape((3,))(layers.Dense(3, "softmax")(x)), 3, "multiclass", 3),
    "before linear": (lambda x: layers.Activation("linear")(layers.Dense(3, "softmax")(x)), 3, "multiclass", 3),
    "dropout between": (lambda x: layers.Softmax()(layers.Dropout(0.5)(layers.Dense(3)(x))), 3, "multiclass", 3),
    "convolution": (convolved, 3, "multiclass", 3),
    "sigmoid": (dense(1, "sigmoid"), 1, "multiclass", 2),
    "sigmoid operation": (lambda x: ops.sigmoid(layers.Dense(1)(x)), 1, "multiclass", 2),
    "complement": (complement, 1, "multiclass", 2),
    "complement first": (complement_first, 1, "multiclass", 2),
    "multilabel": (dense(4, "sigmoid"), 4, "multilabel", 4),
    "two sigmoids": (lambda x: ops.sigmoid(layers.Dense(2)(x)), 2, "multilabel", 2),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_the_last_activation_is_found_wherever_it_is(name: str, tmp_path: Path) -> None:
    build, units, head, classes = ENDINGS[name]
    model = ending(build)
    expected = model.predict(images(), verbose=0)
    expected = np.concatenate([1 - expected, expected], axis=1) if expected.shape[1] == 1 else expected
    found, network = inspected(model, tmp_path)
    assert (found.units, found.head, found.says_head) == (units, head, True)
    assert network.layers[-1].name == "logits"
    given = probabilities(network, found, images())
    assert given.shape == (3, classes)
    np.testing.assert_allclose(given, expected, atol=1e-6)
    np.testing.assert_allclose(own_probabilities(tmp_path / "m.keras", images(), found.head), expected, atol=1e-6)


def averaged(features: Any) -> Any:
    return layers.Average()([layers.Dense(3, "softmax")(features), layers.Dense(3, "softmax")(features)])


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (averaged, "mixes probabilities"),
        (lambda x: layers.Dense(3, "softmax")(x) * 0.5 + layers.Dense(3, "softmax")(x) * 0.5, "mixes probabilities"),
        (dense(1, "softmax"), "softmax over one unit, which is 1 for every image"),
        (lambda x: layers.Softmax(axis=0)(layers.Dense(3)(x)), "runs along axis 0"),
        (dense(1, "tanh"), "ends in 'tanh'"),
        (dense(3, "log_softmax"), "ends in 'log_softmax'"),
        (lambda x: layers.LeakyReLU()(layers.Dense(3)(x)), "ends in 'leakyrelu'"),
    ],
)
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
def test_endings_that_have_no_logits_are_one_sentence(build: Callable, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words):
        inspected(ending(build), tmp_path)


def test_sums_of_scores_are_scores(tmp_path: Path) -> None:
    model = ending(lambda x: layers.Softmax()(layers.Add()([layers.Dense(3)(x), layers.Dense(3)(x)])))
    found, network = inspected(model, tmp_path)
    np.testing.assert_allclose(probabilities(network, found, images()), model(images()), atol=1e-6)


def test_without_an_activation_its_owner_says_what_the_scores_mean(tmp_path: Path) -> None:
    model = ending(dense(3))
    found, _ = inspected(model, tmp_path)
    assert not found.says_head
    scores = model.predict(images(), verbose=0)
    for head in ("multiclass", "multilabel"):
        expected = calibrated(scores, 1.0, head)
        np.testing.assert_allclose(own_probabilities(tmp_path / "m.keras", images(), head), expected, atol=1e-6)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "bfloat16", "float64"])
def test_every_precision_becomes_single(policy: str, tmp_path: Path) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        model = ending(dense(3, "softmax"))
    finally:
        keras.config.set_dtype_policy("float32")
    expected = np.asarray(ops.cast(model(images()), "float32"))
    found, network = inspected(model, tmp_path)
    assert {variable.dtype for variable in network.variables} == {"float32"}
    assert network.output.dtype == "float32"
    np.testing.assert_allclose(probabilities(network, found, images()), expected, atol=0.01)


def test_bytes_as_input_and_a_fixed_batch_are_no_obstacle(tmp_path: Path) -> None:
    image = keras.Input(batch_shape=(8, 32, 32, 3), dtype="uint8")
    x = layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(x)))
    batch = (images() * 255).round()
    expected = model(np.concatenate([batch] * 3)[:8].astype(np.uint8))[:3]
    found, network = inspected(model, tmp_path)
    np.testing.assert_allclose(probabilities(network, found, batch), expected, atol=1e-6)
    assert own_probabilities(tmp_path / "m.keras", batch, found.head).shape == (3, 2)


def test_layers_may_be_called_as_ours_are(tmp_path: Path) -> None:
    given = keras.Input((32, 32, 3), name="logits")
    x = layers.Conv2D(4, 3, name="image")(given)
    x = layers.Flatten(name="embedding")(x)
    model = keras.Model(given, layers.Dense(2, "softmax", name="input")(x))
    found, network = inspected(model, tmp_path)
    assert (network.layers[0].name, network.layers[-1].name) == ("image", "logits")
    assert found.layers == ("image_1",)
    np.testing.assert_allclose(probabilities(network, found, images()), model(images()), atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(bad: float, tmp_path: Path) -> None:
    model = small()
    kernel, bias = model.get_layer("second").get_weights()
    kernel[0, 0, 0, 0] = bad
    model.get_layer("second").set_weights([kernel, bias])
    with pytest.raises(ModelError, match="layer 'second' holds weights that are not numbers"):
        inspected(model, tmp_path)


def on_maps(change: Callable) -> keras.Model:
    """A convolution, and another behind `change`."""
    image = keras.Input((32, 32, 3))
    x = change(layers.Conv2D(6, 3, padding="same", name="upright")(image))
    x = layers.MaxPooling2D(name="pooled")(layers.Conv2D(6, 3, padding="same", name="changed")(x))
    return keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(x)))


@pytest.mark.parametrize(
    "change",
    [
        layers.Permute((2, 1, 3)),
        layers.Permute((3, 1, 2)),
        lambda x: ops.flip(x, axis=2),
        lambda x: ops.flip(x, axis=1),
    ],
    ids=["transposed", "channels first", "mirrored", "upside down"],
)
def test_maps_that_do_not_lie_as_the_image_does_are_not_offered(change: Callable, tmp_path: Path) -> None:
    found, _ = inspected(on_maps(change), tmp_path)
    assert set(found.layers) <= {"upright"}


def test_maps_that_lie_as_the_image_does_are_offered(tmp_path: Path) -> None:
    found, _ = inspected(on_maps(layers.Activation("relu")), tmp_path)
    assert found.layers == ("pooled", "changed")


def test_a_model_of_turned_maps_alone_is_refused(tmp_path: Path) -> None:
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(6, 3, padding="same")(layers.Permute((2, 1, 3))(image))
    with pytest.raises(ModelError, match="do not lie as the image does"):
        inspected(keras.Model(image, layers.Dense(2, "softmax")(layers.Flatten()(x))), tmp_path)


def test_channels_first_is_one_sentence(tmp_path: Path) -> None:
    image = keras.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D(data_format="channels_first", name="pool")(layers.Conv2D(4, 3)(image))
    with pytest.raises(ModelError, match="'pool' works with channels before rows and columns"):
        inspected(keras.Model(image, layers.Dense(2)(x)), tmp_path)


def test_a_layer_that_scales_within_the_network_is_no_scaling_of_pixels(tmp_path: Path) -> None:
    found, _ = inspected(ending(lambda features: layers.Dense(2, "softmax")(layers.Rescaling(2.0)(features))), tmp_path)
    assert not found.rescales
