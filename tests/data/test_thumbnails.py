"""Small pictures: made once, kept within a bound."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from covid_model.data import thumbnails
from covid_model.data.thumbnails import SIDE, prune, thumbnail
from covid_model.errors import ImageError


@pytest.fixture
def image(tmp_path: Path) -> Path:
    rows = np.linspace(20, 250, 400, dtype=np.uint8)
    Image.fromarray(np.tile(rows, (200, 1))).save(tmp_path / "image.png")
    return tmp_path / "image.png"


def test_a_thumbnail_is_square_with_the_image_in_its_middle(image: Path, tmp_path: Path) -> None:
    grey = cv2.imdecode(np.frombuffer(thumbnail(image, "a" * 64, tmp_path / "cache"), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey.shape == (SIDE, SIDE)
    assert grey[: SIDE // 5].max() < 12
    assert grey[SIDE // 2, 5] < grey[SIDE // 2, -5]


def test_it_is_made_once(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = thumbnail(image, "a" * 64, tmp_path / "cache")
    image.unlink()
    assert thumbnail(image, "a" * 64, tmp_path / "cache") == first
    with pytest.raises(ImageError, match=r"image\.png"):
        thumbnail(image, "b" * 64, tmp_path / "cache")


def test_a_folder_that_cannot_be_written_costs_only_time(image: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    assert thumbnail(image, "a" * 64, tmp_path / "taken" / "cache")


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    prune(tmp_path, bound=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.jpg", "4.jpg"]


def test_the_bound_is_looked_at_while_pictures_are_made(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(thumbnails, "prune", seen.append)
    for number in range(2 * thumbnails.LOOK_EVERY):
        thumbnail(image, f"{number:08x}" + "0" * 56, tmp_path / "cache")
    assert len(seen) == 2
