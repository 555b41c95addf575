import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from toys import CLASSES, DENSE, KERNEL, branched_network, pooled_network

from covid_model.errors import ExplainError
from covid_model.explain.methods import METHODS, keras_vis
from covid_model.explain.methods.cam import GradCam
from covid_model.explain.target import resolve_target

GRAD_CAM, HIRES_CAM = METHODS["gradcam"], METHODS["hirescam"]
BATCH = np.random.default_rng(5).normal(size=(16, 8, 8, 1)).astype(np.float32)


def by_hand(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ReLU(sum_k alpha_k A_k) with A = image * KERNEL and alpha_k = (DENSE @ weights)_k / 64, the pooling's share."""
    activations = image * KERNEL[0, 0]
    return np.maximum((activations * (DENSE @ weights) / 64).sum(axis=-1), 0)


@pytest.mark.parametrize("name", [*CLASSES, "COVID-19 - Normal"])
def test_the_map_is_what_the_equation_says(name: str) -> None:
    target = resolve_target(name, CLASSES, 3)
    found = GRAD_CAM(pooled_network(), BATCH[:1], target, layer="conv")
    expected = by_hand(BATCH[0], target.row)
    assert expected.max() > 0.001
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_classes_of_a_one_unit_model_have_opposite_evidence() -> None:
    model = pooled_network(units=1)
    two = ("Normal", "COVID-19")
    positive = GRAD_CAM(model, BATCH[:1], resolve_target("COVID-19", two, 1), layer="conv")
    negative = GRAD_CAM(model, BATCH[:1], resolve_target("Normal", two, 1), layer="conv")
    signed = (BATCH[0] * KERNEL[0, 0] * DENSE[:, 0] / 64).sum(axis=-1)
    np.testing.assert_allclose(positive - negative, signed, atol=1e-6)


@pytest.mark.parametrize("layer", ["stem", "branch", "block", "halved"])
@pytest.mark.parametrize("name", ["COVID-19", "Normal - Pneumonia"])
def test_parity_with_tf_keras_vis_on_a_branched_network(layer: str, name: str) -> None:
    model = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    target = resolve_target(name, CLASSES, 3)
    for key, method in (("gradcam", "grad_cam"), ("layercam", "layer_cam"), ("hirescam", "hires_cam")):
        ours = np.maximum(METHODS[key](model, image, target, layer=layer), 0)
        theirs = getattr(keras_vis, method)(model, image, target, layer=layer)
        assert theirs.max() > 0
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.max(), err_msg=method)


@pytest.mark.parametrize("layer", ["stem", "branch", "block", "halved"])
def test_grad_cam_plus_plus_has_the_shape_of_the_reference(layer: str) -> None:
    model = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    target = resolve_target("COVID-19", CLASSES, 3)
    ours = METHODS["gradcampp"](model, image, target, layer=layer)
    theirs = keras_vis.grad_cam_plus_plus(model, image, target, layer=layer)
    assert theirs.max() > 0
    np.testing.assert_allclose(ours / ours.max(), theirs / theirs.max(), atol=1e-3)


def test_a_batch_gives_the_maps_and_logits_of_its_images() -> None:
    model, target = pooled_network(), resolve_target("COVID-19", CLASSES, 3)
    maps, logits = GradCam().maps(model, BATCH, target, "conv")
    assert maps.shape == (16, 8, 8)
    for image, one in zip(BATCH, maps, strict=True):
        np.testing.assert_allclose(GRAD_CAM(model, image[None], target, layer="conv"), one, atol=1e-6)
    np.testing.assert_allclose(logits, np.asarray(model.network(BATCH)), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "layer", "functions"),
    [
        (pooled_network, "conv", {("constant", "conv"), ("run", "conv", "logits")}),
        (branched_network, "block", {("constant", "block"), ("layer", "block")}),
    ],
)
def test_another_class_or_batch_size_does_not_trace_again(make, layer: str, functions: set[tuple[str, ...]]) -> None:
    model = make()
    images = np.random.default_rng(5).normal(size=(16, *model.input_shape)).astype(np.float32)
    for count in (1, 5, 16):
        for name in CLASSES:
            GradCam().maps(model, images[:count], resolve_target(name, CLASSES, 3), layer)
    assert set(model._functions) == functions
    for name in functions - {("constant", "block")}:  # which has nothing to trace
        assert model._functions[name].experimental_get_tracing_count() == 1


def test_compiled_functions_do_not_outlive_their_model() -> None:
    model, target = pooled_network(), resolve_target("Normal", CLASSES, 3)
    GRAD_CAM(model, BATCH[:1], target, layer="conv")
    model.layer_state(BATCH[:1], target.row, "conv")
    functions = [weakref.ref(function) for function in model._functions.values()]
    network = weakref.ref(model.network)
    assert len(functions) == 3
    assert all(function() is not None for function in functions)
    del model
    keras.utils.clear_session()
    gc.collect()
    assert all(function() is None for function in functions)
    assert network() is None


def test_threads_get_their_own_maps() -> None:
    model = pooled_network()
    jobs = [(BATCH[i : i + 1], resolve_target(CLASSES[i % 3], CLASSES, 3)) for i in range(16)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda job: GRAD_CAM(model, *job, layer="conv"), jobs))
    for (image, target), one in zip(jobs, found, strict=True):
        np.testing.assert_allclose(one, by_hand(image[0], target.row), atol=1e-6)


@pytest.mark.parametrize(("layer", "words"), [("nowhere", "no layer 'nowhere'"), ("pool", "height, width, channels")])
def test_layers_without_a_map_are_refused(layer: str, words: str) -> None:
    with pytest.raises(ExplainError, match=words):
        GRAD_CAM(pooled_network(), BATCH[:1], resolve_target("Normal", CLASSES, 3), layer=layer)


def test_grad_cam_and_hires_cam_agree_behind_pooling_and_differ_before_a_dense_layer() -> None:
    target = resolve_target("COVID-19", CLASSES, 3)
    image = BATCH[:1]
    grad = GRAD_CAM(pooled_network(), image, target, layer="conv")
    np.testing.assert_allclose(grad, np.maximum(HIRES_CAM(pooled_network(), image, target, layer="conv"), 0), atol=1e-6)
    flat = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    grad = GRAD_CAM(flat, image, target, layer="halved")
    hires = np.maximum(HIRES_CAM(flat, image, target, layer="halved"), 0)
    assert np.corrcoef(grad.ravel(), hires.ravel())[0, 1] < 0.8


def test_hires_cam_before_one_dense_layer_sums_to_the_logit() -> None:
    model = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    target = resolve_target("Normal", CLASSES, 3)
    found = HIRES_CAM(model, image, target, layer="halved")
    assert found.min() < 0
    np.testing.assert_allclose(found.sum(), np.asarray(model.network(image))[0, 2], rtol=1e-4)


def test_eigen_cam_is_the_strongest_direction_of_the_activations() -> None:
    image = np.abs(BATCH[:1])
    found = METHODS["eigencam"](pooled_network(), image, resolve_target("Normal", CLASSES, 3), layer="conv")
    # every channel is the image times a constant, so the activations have one direction only
    np.testing.assert_allclose(found, image[0, ..., 0] * np.linalg.norm(KERNEL), rtol=1e-5)
