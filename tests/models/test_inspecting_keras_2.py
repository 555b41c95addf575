"""What the loading process makes of what Keras 2 and a later Keras wrote."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from inspections import images, inspected_file, probabilities
from keras import layers
from model_files import as_keras_2, rewritten_config, saved, small, with_operation

from covid_model.errors import ModelError
from covid_model.models.inspecting import own_probabilities


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
