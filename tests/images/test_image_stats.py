"""What an image looks like, on images whose looks are known."""

import cv2
import numpy as np
import pytest

from covid_model.images.image_stats import image_stats
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.images.xray_image import XrayImage


def drawn(key: str = "clear") -> np.ndarray:
    return draw_phantom(PHANTOMS[key]).astype(np.float32) / np.float32(255)


def image(pixels: np.ndarray) -> XrayImage:
    return XrayImage(pixels.astype(np.float32), "0" * 64, "png")


def test_the_drawn_image_is_like_itself_and_unlike_its_negative() -> None:
    assert image_stats(image(drawn())).likeness == pytest.approx(1)
    assert image_stats(image(1 - drawn())).likeness == pytest.approx(-1)
    assert image_stats(image(drawn("dense"))).likeness > 0.9
    noise = np.random.default_rng(0).random((300, 300))
    assert abs(image_stats(image(noise)).likeness) < 0.2


def test_mean_and_contrast_are_those_of_the_pixels() -> None:
    found = image_stats(image(np.tile([0.0, 0.5], (64, 32))))
    assert (found.mean, found.contrast) == (0.25, 0.25)


def test_a_frame_is_measured() -> None:
    framed = np.zeros((100, 200))
    framed[10:90, 20:180] = np.random.default_rng(0).random((80, 160))
    assert image_stats(image(framed)).border == pytest.approx(1 - 80 * 160 / 20000)
    assert image_stats(image(drawn())).border == 0


@pytest.mark.parametrize("text", ["PORTABLE", "L"])
def test_burned_in_letters_are_counted_where_they_are_burned_in(text: str) -> None:
    before = image_stats(image(drawn())).letters
    marked = draw_phantom(PHANTOMS["clear"]).copy()
    cv2.putText(marked, text, (20, 480), cv2.FONT_HERSHEY_PLAIN, 2.0, 255, 2)
    assert image_stats(image(marked / 255)).letters - before == pytest.approx(len(text), abs=len(text) // 3)
    middle = draw_phantom(PHANTOMS["clear"]).copy()
    cv2.putText(middle, text, (150, 260), cv2.FONT_HERSHEY_PLAIN, 2.0, 255, 2)
    assert image_stats(image(middle / 255)).letters == before
