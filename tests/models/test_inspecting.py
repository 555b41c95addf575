"""What the loading process makes of a model file: endings, precision, names, axes, and what Keras 2 wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from model_files import as_keras_2, ending, rewritten_config, saved, small, with_operation

from covid_model.errors import ModelError
from covid_model.models.calibration import calibrated
from covid_model.models.inspecting import Inspected, inspect, own_probabilities


def inspected(model: keras.Model, folder: Path, suffix: str = ".keras") -> tuple[Inspected, keras.Model]:
    saved(model, folder / f"m{suffix}")
    return inspected_file(folder / f"m{suffix}")


def inspected_file(path: Path) -> tuple[Inspected, keras.Model]:
    flat = path.with_name("flat.keras")
    return inspect(path, flat), keras.saving.load_model(flat, compile=False)


def images(side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).random((3, side, side, 3)).astype(np.float32)


def probabilities(network: keras.Model, found: Inspected, batch: np.ndarray) -> np.ndarray:
    return calibrated(np.asarray(network(batch, training=False)), 1.0, found.head)


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


def chain() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.RandomFlip("horizontal"),
            layers.DepthwiseConv2D(3, activation="relu", name="depthwise"),
            layers.SeparableConv2D(4, 3, activation="relu", name="separable"),
            layers.BatchNormalization(axis=3),
            layers.Conv2DTranspose(4, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, "softmax"),
        ]
    )


KERAS_2 = {
    "RandomFlip": {"rng_type": "stateful"},
    "DepthwiseConv2D": {"groups": 1, "kernel_regularizer": None},
    "SeparableConv2D": {"groups": 1, "kernel_initializer": "glorot_uniform", "kernel_constraint": None},
    "Conv2DTranspose": {"groups": 1},
    "BatchNormalization": {"axis": [3]},
}


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_files_of_keras_2_are_read(suffix: str, tmp_path: Path) -> None:
    model, path = chain(), tmp_path / f"m{suffix}"
    model.get_layer("separable").set_weights([w + 0.1 for w in model.get_layer("separable").get_weights()])
    saved(model, path)
    as_keras_2(path, KERAS_2, {"depthwise": "block1/depthwise", "separable": "block1/separable"})
    found, network = inspected_file(path)
    assert "block1_separable" in {layer.name for layer in network.layers}
    np.testing.assert_allclose(probabilities(network, found, images()), model(images(), training=False), atol=1e-6)
    assert own_probabilities(path, images(), found.head).shape == (3, 2)


def transfer(preprocessing: layers.Layer, last: bool = False) -> keras.Model:
    """A base model within a model, behind a layer called "operation"; last: nothing comes after it."""
    inner = keras.Input((32, 32, 3))
    features = layers.Conv2D(4, 3, activation="relu", name="inner_conv")(inner)
    end = layers.Dense(2, "softmax", name="inner_end")(layers.GlobalAveragePooling2D()(features)) if last else features
    base = keras.Model(inner, end, name="base")
    image = keras.Input((32, 32, 3))
    found = base(preprocessing(image))
    return keras.Model(image, found if last else layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(found)))


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("last", [False, True])
def test_a_base_model_within_a_model_of_keras_2_is_read(suffix: str, last: bool, tmp_path: Path) -> None:
    model, path = transfer(layers.Rescaling(1 / 127.5, -1, name="operation"), last), tmp_path / f"m{suffix}"
    saved(model, path)
    as_keras_2(path, {})
    found, network = inspected_file(path)
    assert found.layers == ("inner_conv",)
    np.testing.assert_allclose(probabilities(network, found, images()), model(images(), training=False), atol=1e-6)


@pytest.mark.parametrize(
    ("function", "arguments", "scale", "offset"),
    [
        ("math.truediv", {"y": 127.5, "name": None}, 1 / 127.5, 0.0),
        ("math.subtract", {"y": 0.5, "name": None}, 1.0, -0.5),
        ("__operators__.add", {"y": 2, "name": None}, 1.0, 2.0),
        ("math.multiply", {"y": [1.0, 2.0, 3.0], "name": None}, [1.0, 2.0, 3.0], 0.0),
        ("nn.bias_add", {"bias": [-1.0, 0.5, 2.0], "data_format": "NHWC"}, 1.0, [-1.0, 0.5, 2.0]),
        ("cast", {"dtype": "float32"}, 1.0, 0.0),
    ],
)
def test_operations_between_pixels_and_numbers_become_layers(
    function: str, arguments: dict[str, Any], scale: Any, offset: Any, tmp_path: Path
) -> None:
    model, path = transfer(layers.Rescaling(scale, offset, name="operation")), tmp_path / "m.h5"
    saved(model, path)
    as_keras_2(path, {})
    with_operation(path, "operation", function, arguments)
    found, network = inspected_file(path)
    assert found.rescales
    np.testing.assert_allclose(probabilities(network, found, images()), model(images(), training=False), atol=1e-6)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("math.truediv", {"y": 0.0}),
        ("math.subtract", {"y": ["image", 0, 0]}),
        ("math.add", {"y": float("nan")}),
        ("math.add", {"y": True}),
        ("math.reduce_mean", {"axis": 1}),
        ("nn.bias_add", {"bias": [1.0, 1.0, 1.0], "data_format": "NCHW"}),
        ("cast", {"dtype": "uint8"}),
    ],
)
def test_other_operations_are_named(function: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    saved(transfer(layers.Rescaling(1.0, name="operation")), path)
    as_keras_2(path, {})
    with_operation(path, "operation", function, arguments)
    with pytest.raises(ModelError, match=r"because of the layer 'operation' \(an operation of TensorFlow outside"):
        inspected_file(path)


def test_a_layer_that_scales_within_the_network_is_no_scaling_of_pixels(tmp_path: Path) -> None:
    found, _ = inspected(ending(lambda features: layers.Dense(2, "softmax")(layers.Rescaling(2.0)(features))), tmp_path)
    assert not found.rescales


def test_what_keras_2_wrote_and_keras_3_lost_is_named(tmp_path: Path) -> None:
    saved(chain(), tmp_path / "m.h5")
    as_keras_2(tmp_path / "m.h5", {"DepthwiseConv2D": {"groups": 2}})
    with pytest.raises(ModelError, match=r"by Keras 2\.15\.0 .* because of the layer 'depthwise' \(DepthwiseConv2D\)"):
        inspected_file(tmp_path / "m.h5")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("TFOpLambda", "because of the layer 'separable' .an operation of TensorFlow outside any layer.; put a layer"),
        ("SlicingOpLambda", "an operation of TensorFlow outside any layer"),
        ("ThresholdedReLU", "because of the layer 'separable' .a ThresholdedReLU, which Keras 3 has no more.; replace it"),
    ],
)
def test_layers_that_keras_3_has_no_more_are_named(kind: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    saved(chain(), path)
    as_keras_2(path, {})
    rewritten_config(path, lambda text: text.replace(b'"SeparableConv2D"', f'"{kind}"'.encode()))
    with pytest.raises(ModelError, match=f"written by Keras 2.15.0 .*{words}"):
        inspected_file(path)


def test_a_layer_of_a_later_keras_is_named(tmp_path: Path) -> None:
    saved(small(), tmp_path / "m.keras")
    rewritten_config(tmp_path / "m.keras", lambda text: text.replace(b'"filters": 4', b'"filters": 4, "brand_new": 1', 1))
    with pytest.raises(ModelError, match=r"because of the layer 'first' \(Conv2D\); replace it"):
        inspected_file(tmp_path / "m.keras")


def test_weights_that_do_not_fit_are_one_sentence_of_our_own(tmp_path: Path) -> None:
    saved(small(), tmp_path / "m.keras")
    rewritten_config(tmp_path / "m.keras", lambda text: text.replace(b'"filters": 4', b'"filters": 5'))
    with pytest.raises(ModelError, match="its weights do not fit its layers"):
        inspected_file(tmp_path / "m.keras")
