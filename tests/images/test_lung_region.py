import cv2
import numpy as np
import pytest

from covid_model.images.lung_region import Box, grown, lung_box, only_lungs


def rectangle(shape: tuple[int, int], box: Box) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[box.top : box.bottom, box.left : box.right] = True
    return mask


def test_the_box_has_a_margin_and_stops_at_the_edge() -> None:
    mask = rectangle((200, 200), Box(50, 2, 150, 100))
    assert lung_box(mask, margin=0.05) == Box(45, 0, 155, 105)
    with pytest.raises(ValueError, match="empty"):
        lung_box(np.zeros((10, 10), bool))


def test_growing_and_shrinking_a_mask() -> None:
    mask = rectangle((50, 50), Box(20, 20, 30, 30))
    assert grown(mask, 3)[17, 25]
    assert not grown(mask, 3)[16, 25]
    assert grown(mask, -3).sum() == 16
    assert grown(mask, 0) is mask


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 8, 13, 21])
@pytest.mark.parametrize("density", [0.0, 0.001, 0.1, 0.5, 1.0])
def test_growing_is_opencvs_dilation_by_its_disc_pixel_for_pixel(radius: int, density: float) -> None:
    mask = np.random.default_rng(radius).random((70, 90)) < density
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    np.testing.assert_array_equal(grown(mask, radius), cv2.dilate(mask.astype(np.uint8), disc).astype(bool))
    np.testing.assert_array_equal(grown(mask, -radius), cv2.erode(mask.astype(np.uint8), disc).astype(bool))


def test_outside_is_black_whatever_stood_there_and_inside_does_not_depend_on_it() -> None:
    rng = np.random.default_rng(0)
    mask = rectangle((40, 40), Box(10, 10, 30, 30))
    image = rng.random((40, 40)).astype(np.float32)
    marked = np.where(mask, image, np.float32(1.0))
    assert not only_lungs(image, mask)[~mask].any()
    np.testing.assert_array_equal(only_lungs(image, mask), only_lungs(marked, mask))


def test_exposure_and_contrast_of_the_image_are_normalised_away() -> None:
    rng = np.random.default_rng(0)
    mask = np.ones((40, 40), bool)
    image = rng.random((40, 40)).astype(np.float32)
    np.testing.assert_allclose(only_lungs(image * 0.3 + 0.4, mask), only_lungs(image, mask), atol=1e-5)


def test_a_flat_region_stays_finite() -> None:
    flat = np.full((8, 8), 0.5, np.float32)
    assert np.isfinite(only_lungs(flat, np.ones((8, 8), bool))).all()
