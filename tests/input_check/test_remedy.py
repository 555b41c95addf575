"""A refused image is mended without losing what is known of it."""

import numpy as np
import pytest

from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import REASONS
from covid_model.input_check.remedy import INVERT, REMEDIES, TURN, remedied

PIXELS = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
IMAGE = XrayImage(PIXELS, "0" * 64, "png", spacing_mm=(0.1, 0.2), notes=("As read.",))


def test_there_are_remedies_for_reasons_that_exist() -> None:
    assert set(REMEDIES) <= set(REASONS)


def test_black_and_white_are_swapped_and_the_note_says_so() -> None:
    found = remedied(IMAGE, INVERT, lambda _: 0.0)
    np.testing.assert_allclose(found.pixels, 1 - PIXELS)
    assert found.digest != IMAGE.digest
    assert found.spacing_mm == IMAGE.spacing_mm
    assert found.notes == ("As read.", "Black and white were swapped after a click.")


@pytest.mark.parametrize(("turns", "spacing"), [(1, (0.2, 0.1)), (2, (0.1, 0.2)), (3, (0.2, 0.1))])
def test_the_turn_that_looks_most_frontal_is_taken_and_the_spacing_turns_with_it(turns: int, spacing: tuple) -> None:
    upright = np.rot90(PIXELS, turns)
    found = remedied(IMAGE, TURN, lambda image: float(np.array_equal(image.pixels, upright)))
    np.testing.assert_array_equal(found.pixels, upright)
    assert not found.pixels.flags.writeable
    assert found.spacing_mm == spacing
    assert found.notes[-1] == f"The image was turned by {90 * turns} degrees after a click."
    assert found.digest not in (IMAGE.digest, remedied(IMAGE, INVERT, lambda _: 0.0).digest)
