import json

import keras
import numpy as np

from covid_model.build.imagenet import drawn_picture
from covid_model.models.efficientnet_lite0 import block_names, build_features, build_lite0, copy_weights
from covid_model.models.imagenet import CARD, imagenet_lite0


def test_the_graph_is_flat_named_and_of_the_published_size() -> None:
    model = build_lite0(classes=1000)
    assert model.count_params() == 4_694_024  # 4.65 M trainable plus the moving statistics
    assert model.input_names == ["image"] if hasattr(model, "input_names") else model.inputs[0].name == "image"
    assert model.layers[-1].name == "logits"
    assert not [layer for layer in model.layers if isinstance(layer, keras.Model)]
    shapes = {name: model.get_layer(name).output.shape[1:] for name in ("block3b", "block5c", "block7a", "top")}
    assert shapes == {"block3b": (28, 28, 40), "block5c": (14, 14, 112), "block7a": (7, 7, 320), "top": (7, 7, 1280)}
    assert len(block_names()) == 16


def test_the_shipped_imagenet_weights_answer_as_the_original_did() -> None:
    reference = np.array(json.loads(CARD.read_text())["reference_pooled_features"])
    pooled = np.asarray(imagenet_lite0()(drawn_picture(), training=False)).mean(axis=(1, 2))[0]
    assert reference.std() > 0.1
    np.testing.assert_allclose(pooled, reference, atol=1e-4)


def test_weights_are_copied_by_layer_name() -> None:
    source, target = build_features(), build_lite0(classes=3)
    head = target.get_layer("logits").get_weights()[0].copy()
    assert copy_weights(source, target) == 98
    kernel = target.get_layer("block4b_expand").get_weights()[0]
    np.testing.assert_array_equal(kernel, source.get_layer("block4b_expand").get_weights()[0])
    np.testing.assert_array_equal(target.get_layer("logits").get_weights()[0], head)
