import numpy as np
import pytest

from covid_model.images.phantom import PHANTOMS, draw_phantom, phantom_png
from covid_model.images.read import read_image
from covid_model.lungs.segment import LungSegmenter


@pytest.mark.parametrize("key", PHANTOMS)
def test_a_drawn_image_reads_as_a_chest_image_with_two_lungs(key: str) -> None:
    image = read_image(phantom_png(PHANTOMS[key]))
    assert image.notes == ()
    assert LungSegmenter.load().find(image.pixels).quality == "good"
    assert phantom_png(PHANTOMS[key]) == phantom_png(PHANTOMS[key])


def test_the_drawn_changes_are_where_they_are_said_to_be() -> None:
    clear, dense = (draw_phantom(PHANTOMS[key]).astype(float) for key in ("clear", "dense"))
    row, col, _, _ = PHANTOMS["dense"].hazes[0]
    there = np.s_[int(row * 512) - 15 : int(row * 512) + 15, int(col * 512) - 15 : int(col * 512) + 15]
    assert dense[there].mean() > clear[there].mean() + 30
