import numpy as np
import pytest

from covid_model.images.lung_region import Box
from covid_model.images.preprocess import Preprocessing, preprocess
from covid_model.images.xray_image import XrayImage


def image(height: int = 100, width: int = 160) -> XrayImage:
    return XrayImage(np.random.default_rng(0).random((height, width)).astype(np.float32), "0" * 64, "png")


@pytest.mark.parametrize(("scaling", "low", "high"), [("signed", -1, 1), ("unit", 0, 1), ("byte", 0, 255)])
def test_shape_and_range_follow_the_card(scaling: str, low: float, high: float) -> None:
    made = preprocess(image(), Preprocessing(size=(64, 48), channels=3, scaling=scaling))
    assert made.pixels.shape == (64, 48, 3)
    assert made.pixels.dtype == np.float32
    assert low <= made.pixels.min() < made.pixels.max() <= high
    assert made.pixels.max() > (low + high) / 2
    assert made.box == Box(0, 0, 100, 160)


def test_a_lungs_model_sees_nothing_outside_the_lungs() -> None:
    mask = np.zeros((100, 160), bool)
    mask[30:70, 40:120] = True
    spec = Preprocessing(size=(64, 64), channels=1, region="lungs", scaling="unit")
    plain = image()
    near = np.zeros((100, 160), bool)
    near[27:73, 37:123] = True  # the mask is grown a little, so that the pleura stays visible
    marked = XrayImage(np.where(near, plain.pixels, np.float32(1)), "0" * 64, "png")
    made = preprocess(plain, spec, mask)
    assert made.box == Box(26, 36, 74, 124)
    assert made.pixels[0].max() == 0
    np.testing.assert_array_equal(made.pixels, preprocess(marked, spec, mask).pixels)


def test_without_lungs_the_whole_image_is_shown() -> None:
    spec = Preprocessing(region="lungs")
    assert preprocess(image(), spec, np.zeros((100, 160), bool)).box == Box(0, 0, 100, 160)
    with pytest.raises(ValueError, match="no mask"):
        preprocess(image(), spec)


def test_a_map_is_laid_back_where_its_pixels_came_from() -> None:
    mask = np.zeros((100, 160), bool)
    mask[20:60, 40:80] = True
    made = preprocess(image(), Preprocessing(region="lungs"), mask)
    laid = made.to_image(np.full((7, 7), 3.0, np.float32))
    assert laid.shape == (100, 160)
    box = made.box
    assert (laid[box.top : box.bottom, box.left : box.right] == 3).all()
    assert laid.sum() == pytest.approx(3 * box.height * box.width)


@pytest.mark.parametrize(
    ("settings", "dark", "bright"),
    [
        ({"scaling": "caffe"}, (-103.939, -116.779, -123.68), (151.061, 138.221, 131.32)),
        ({"scaling": "torch"}, (-2.1179, -2.0357, -1.8044), (2.2489, 2.4286, 2.64)),
        ({"scaling": "custom", "mean": (0.5,), "deviation": (0.25,)}, (-2, -2, -2), (2, 2, 2)),
        (
            {"scaling": "custom", "mean": (0.1, 0.2, 0.3), "deviation": (1.0,), "bgr": True},
            (-0.3, -0.2, -0.1),
            (0.7, 0.8, 0.9),
        ),
    ],
)
def test_black_and_white_become_the_published_numbers(settings: dict, dark: tuple, bright: tuple) -> None:
    for value, expected in ((0.0, dark), (1.0, bright)):
        plain = XrayImage(np.full((64, 64), value, np.float32), "0" * 64, "png")
        made = preprocess(plain, Preprocessing(size=(32, 32), **settings))
        np.testing.assert_allclose(made.pixels, np.broadcast_to(expected, (32, 32, 3)), atol=1e-3)


def test_a_card_of_before_reads_as_it_did_and_impossible_ones_are_refused() -> None:
    old = {"size": [224, 224], "channels": 3, "region": "lungs", "scaling": "signed"}
    assert Preprocessing.read(old) == Preprocessing((224, 224), 3, "lungs", "signed")
    for wrong in ({"scaling": "x"}, {"region": "x"}, {"mean": [0.5]}, {"scaling": "caffe", "channels": 1}):
        with pytest.raises(ValueError, match=r"Unknown|mean"):
            Preprocessing.read(old | wrong)
    for numbers in ((0.0,), (np.nan,), (1.0, 2.0)):
        with pytest.raises(ValueError, match=r"deviation"):
            Preprocessing(scaling="custom", mean=(0.5,), deviation=numbers)
