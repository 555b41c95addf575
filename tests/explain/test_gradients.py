"""Gradient methods on networks whose gradient is known."""

import keras
import numpy as np
import pytest
from keras import layers
from toys import CLASSES, DENSE, KERNEL, branched_network, pooled_network

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.explain.methods import METHODS, MethodInput, keras_vis
from covid_model.explain.target import resolve_target

SALIENCY, SMOOTH_GRAD, INPUT_X_GRADIENT, INTEGRATED = (
    METHODS[key] for key in ("saliency", "smoothgrad", "inputxgradient", "integratedgradients")
)
IMAGE = np.random.default_rng(5).random((1, 8, 8, 1)).astype(np.float32)
TARGET = resolve_target("COVID-19", CLASSES, 3)
SLOPE = float(KERNEL[0, 0, 0] @ DENSE[:, 0]) / 64
"""Of the pooled network: every pixel moves the logit alike."""


def square_network() -> TensorFlowBackend:
    """One unit: the sum of the squares of the pixels."""
    image = keras.Input((8, 8, 1), name="image")
    squared = layers.Flatten()(layers.Multiply()([image, image]))
    return TensorFlowBackend(
        keras.Model(image, layers.Dense(1, use_bias=False, kernel_initializer="ones", name="logits")(squared))
    )


def test_saliency_of_a_linear_network_is_its_slope_everywhere() -> None:
    np.testing.assert_allclose(SALIENCY(pooled_network(), IMAGE, TARGET), abs(SLOPE), rtol=1e-4)


def test_input_x_gradient_is_the_slope_times_the_height_over_the_baseline() -> None:
    found = INPUT_X_GRADIENT(pooled_network(), IMAGE, TARGET, baseline="darkest")
    np.testing.assert_allclose(found, (IMAGE[0, ..., 0] - IMAGE.min()) * SLOPE, atol=1e-7)
    assert np.sign(found.sum()) == np.sign(SLOPE)


def test_integrated_gradients_of_a_square_are_exact_by_the_midpoint_rule() -> None:
    target = resolve_target("COVID-19", ("Normal", "COVID-19"), 1)
    found = INTEGRATED(square_network(), IMAGE, target, steps=8, baseline="darkest")
    low = IMAGE.min()
    np.testing.assert_allclose(found, IMAGE[0, ..., 0] ** 2 - low**2, atol=1e-5)
    asked, options = MethodInput(square_network(), IMAGE, target), {"steps": 8, "baseline": "darkest"}
    assert INTEGRATED.measures(asked, found, **options)["completeness_error"] < 1e-4
    assert INTEGRATED.measures(asked, 2 * found, **options)["completeness_error"] == pytest.approx(1)


def test_more_steps_bring_integrated_gradients_nearer_to_completeness() -> None:
    model, target = branched_network(), resolve_target("Normal", CLASSES, 3)
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)

    def error(steps: int) -> float:
        found = INTEGRATED(model, image, target, steps=steps)
        measured = INTEGRATED.measures(MethodInput(model, image, target), found, steps=steps, baseline="darkest")
        return measured["completeness_error"]

    assert error(256) < 0.03
    assert error(256) < error(4)


def test_saliency_is_that_of_tf_keras_vis() -> None:
    model = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    theirs = keras_vis.saliency(model, image, TARGET)
    np.testing.assert_allclose(SALIENCY(model, image, TARGET), theirs, rtol=1e-4, atol=1e-4 * theirs.max())


def test_smooth_grad_is_that_of_tf_keras_vis_given_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    model = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    ours = SMOOTH_GRAD(model, image, TARGET, seed=7, samples=12, noise=0.2)
    same = np.random.default_rng(7)

    def normal(mean: float, sigma: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        parts = [same.standard_normal((count, *shape[2:])) for count in (8, 4)]
        # ours takes the range of the image, theirs that of each channel's values: the same for one range
        return mean + np.asarray(sigma).max() * np.concatenate(parts).astype(np.float32).reshape(shape)

    monkeypatch.setattr(np.random, "normal", normal)
    theirs = keras_vis.saliency(model, image, TARGET, samples=12, noise=0.2)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999


def test_smooth_grad_repeats_with_its_seed() -> None:
    model = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    one, again, other = (SMOOTH_GRAD(model, image, TARGET, seed=seed, samples=4) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0


def test_the_input_function_gives_the_targets_value() -> None:
    _, value = pooled_network().input_gradients(IMAGE, TARGET.row)
    np.testing.assert_allclose(value, pooled_network().run(IMAGE)["logits"][:, 0], atol=1e-6)
