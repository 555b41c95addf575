from typing import Any

import numpy as np

from covid_model.images.preprocess import Preprocessing, preprocess
from covid_model.images.xray_image import XrayImage
from covid_model.training.augment import ACQUISITION, CLASSIFIER, LUNG_NETWORK, Augmentation, affine, reexposed, warp
from covid_model.training.image_cache import SIDE, SmallImage, augmented

NONE = Augmentation()


def gradient(side: int) -> np.ndarray:
    return np.tile(np.linspace(0, 1, side, dtype=np.float32), (side, 1))


def test_the_default_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    image = gradient(64)
    np.testing.assert_allclose(warp(image, affine(NONE, (64, 64), rng)), image, atol=1e-6)
    np.testing.assert_allclose(reexposed(image, NONE, rng), image, atol=1e-6)


def test_a_mirrored_image_comes_only_where_asked_for() -> None:
    image = gradient(64)

    def mirrored(augmentation: Augmentation) -> set[bool]:
        rng = np.random.default_rng(0)
        return {bool(warp(image, affine(augmentation, (64, 64), rng))[32, 4] > 0.5) for _ in range(40)}

    assert mirrored(CLASSIFIER) == {False}
    assert mirrored(LUNG_NETWORK) == {False, True}


def test_exposure_stays_in_range() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        changed = reexposed(gradient(32), LUNG_NETWORK, rng)
        assert changed.dtype == np.float32
        assert changed.min() >= 0
        assert changed.max() <= 1


def test_each_change_of_acquisition_does_what_its_name_says() -> None:
    image = gradient(64)

    def changed(**ranges: Any) -> np.ndarray:
        return reexposed(image, Augmentation(**ranges), np.random.default_rng(3))

    bent = changed(tones=0.12)
    assert (np.diff(bent, axis=1) >= 0).all(), "darker stays darker"
    assert 0.01 < np.abs(bent - image).max() < 0.25
    assert (bent[:, 0] == 0).all() and (bent[:, -1] == 1).all()

    large = gradient(288)
    lettered = reexposed(large, Augmentation(text=1.0), np.random.default_rng(3))
    touched = lettered != large
    assert 0 < touched.mean() < 0.1
    assert {0.0, 1.0} & set(lettered[touched].round(3).tolist()), "letters are burned in, bright or dark"

    noise = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    coarse = [reexposed(noise, Augmentation(coarse=0.2), np.random.default_rng(seed)) for seed in range(20)]
    assert min(picture.std() for picture in coarse) < 0.6 * noise.std(), "fine detail is gone"

    squeezed = [reexposed(noise, Augmentation(quality=5), np.random.default_rng(seed)) for seed in range(20)]
    assert max(float(np.abs(picture - noise).mean()) for picture in squeezed) > 0.02
    assert all(float(np.abs(picture - noise).mean()) < 0.3 for picture in squeezed)


def test_acquisition_leaves_the_geometry_of_the_chest() -> None:
    assert not ACQUISITION.flip
    rng = np.random.default_rng(0)
    views = [reexposed(gradient(64), ACQUISITION, rng) for _ in range(20)]
    assert all(view.shape == (64, 64) and view.dtype == np.float32 for view in views)
    assert all(view.min() >= 0 and view.max() <= 1 for view in views)


def test_a_training_view_without_augmentation_is_what_the_app_shows_the_model() -> None:
    rng = np.random.default_rng(0)
    pixels = np.round(np.clip(gradient(SIDE) + rng.normal(0, 0.02, (SIDE, SIDE)), 0, 1) * 255).astype(np.uint8)
    small = SmallImage(pixels, np.ones((SIDE, SIDE), bool))
    spec = Preprocessing(size=(SIDE, SIDE), channels=1, scaling="unit")
    image = XrayImage(pixels.astype(np.float32) / 255, "0" * 64, "png")
    seen = preprocess(image, spec).pixels[..., 0]
    np.testing.assert_allclose(augmented(small, spec, NONE, rng).pixels, seen, atol=1e-6)
