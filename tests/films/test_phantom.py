import numpy as np
import pytest

from covid_model.films.phantom import PHANTOMS, draw_phantom, phantom_png
from covid_model.films.read import read_film
from covid_model.lungs.segment import LungSegmenter


@pytest.mark.parametrize("key", PHANTOMS)
def test_a_drawn_film_reads_as_a_chest_film_with_two_lungs(key: str) -> None:
    film = read_film(phantom_png(PHANTOMS[key]))
    assert film.notes == ()
    assert LungSegmenter.load().find(film.pixels).quality == "good"
    assert phantom_png(PHANTOMS[key]) == phantom_png(PHANTOMS[key])


def test_the_drawn_changes_are_where_they_are_said_to_be() -> None:
    clear, dense = (draw_phantom(PHANTOMS[key]).astype(float) for key in ("clear", "dense"))
    row, col, _, _ = PHANTOMS["dense"].hazes[0]
    there = np.s_[int(row * 512) - 15 : int(row * 512) + 15, int(col * 512) - 15 : int(col * 512) + 15]
    assert dense[there].mean() > clear[there].mean() + 30
