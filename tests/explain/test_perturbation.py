"""Occlusion, RISE and Score-CAM on networks whose answer to hiding is known."""

import keras
import numpy as np
import pytest
from keras import layers
from toys import CLASSES, branched_network

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.explain.methods import METHODS, keras_vis, perturbation
from covid_model.explain.target import resolve_target, target_probability

OCCLUSION, RISE, SCORE_CAM = METHODS["occlusion"], METHODS["rise"], METHODS["scorecam"]
POSITIVE = resolve_target("COVID-19", ("Normal", "COVID-19"), 1)
NEGATIVE = resolve_target("Normal", ("Normal", "COVID-19"), 1)


def corner_network() -> TensorFlowBackend:
    """One unit that adds up the 4 x 4 pixels at the top left of a 16 x 16 image and sees nothing else."""
    image = keras.Input((16, 16, 1), name="image")
    x = layers.Conv2D(2, 1, use_bias=False, name="conv")(image)
    model = keras.Model(image, layers.Dense(1, use_bias=False, name="logits")(layers.Flatten()(x)))
    kernel = np.zeros((16, 16, 2, 1), np.float32)
    kernel[:4, :4, 0] = 1
    model.get_layer("conv").set_weights([np.array([[[[1.0, 0.5]]]], np.float32)])
    model.get_layer("logits").set_weights([kernel.reshape(-1, 1)])
    return TensorFlowBackend(model)


def bright_corner() -> np.ndarray:
    image = np.zeros((1, 16, 16, 1), np.float32)
    image[0, :4, :4] = 1
    return image


def test_occlusion_finds_exactly_what_a_sum_model_adds_up() -> None:
    found = OCCLUSION(corner_network(), bright_corner(), POSITIVE, patch=0.25, overlap=0.0, baseline="darkest")
    np.testing.assert_allclose(found[:4, :4], 16)
    assert not found[4:].any()
    assert not found[:, 4:].any()


def test_occlusion_is_signed() -> None:
    found = OCCLUSION(corner_network(), bright_corner(), NEGATIVE, patch=0.25, overlap=0.0, baseline="darkest")
    np.testing.assert_allclose(found[:4, :4], -16)


@pytest.mark.parametrize(("length", "side", "stride"), [(16, 4, 2), (17, 5, 3), (8, 8, 1)])
def test_squares_cover_everything(length: int, side: int, stride: int) -> None:
    starts = perturbation._starts(length, side, stride)
    covered = {start + k for start in starts for k in range(side)}
    assert covered == set(range(length))


def test_rise_finds_the_corner_that_the_model_uses() -> None:
    told: list[float] = []
    found = RISE(corner_network(), bright_corner(), POSITIVE, masks=400, cells=4, baseline="darkest", progress=told.append)
    assert found[:4, :4].min() > 5 * np.abs(found[8:, 8:]).max()
    assert told == sorted(told)
    assert told[-1] == 1


def test_rise_repeats_with_its_seed_and_ignores_a_constant() -> None:
    def run(seed: int) -> np.ndarray:
        return RISE(corner_network(), bright_corner(), POSITIVE, masks=50, cells=4, seed=seed)

    np.testing.assert_array_equal(run(1), run(1))
    flat = np.full((1, 16, 16, 1), 0.5, np.float32)
    assert np.abs(RISE(corner_network(), flat, POSITIVE, masks=50)).max() < 1e-4


def test_progress_that_raises_cancels() -> None:
    def stop(_: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        RISE(corner_network(), bright_corner(), POSITIVE, progress=stop)


@pytest.mark.parametrize("channels", [0, 4])
def test_score_cam_of_a_softmax_head_is_that_of_tf_keras_vis(channels: int) -> None:
    model = branched_network()
    image = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
    target = resolve_target("Pneumonia", CLASSES, 3)
    ours = SCORE_CAM(model, image, target, layer="halved", channels=channels)
    theirs = keras_vis.score_cam(model, image, target, layer="halved", channels=channels)
    assert theirs.max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max())


def test_score_cam_of_one_unit_has_a_map_for_either_class() -> None:
    both = [SCORE_CAM(corner_network(), bright_corner() / 10, target, layer="conv") for target in (POSITIVE, NEGATIVE)]
    assert all(found[:4, :4].max() > 0 for found in both)
    assert both[0].max() > both[1].max(), "the image shows what the positive class is made of"


def test_the_probability_fits_the_head() -> None:
    np.testing.assert_allclose(target_probability(np.array([[2.0]], np.float32), NEGATIVE), 1 / (1 + np.exp(2)))
    logits = np.log(np.array([[0.2, 0.5, 0.3]], np.float32))
    np.testing.assert_allclose(target_probability(logits, resolve_target("Pneumonia - Normal", CLASSES, 3)), 0.2, atol=1e-6)
