"""A dozen images on demand, from a local server that sends what it should, and what it should not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from test_fetch import Server, server

from covid_model.data.duplicates import perceptual_hash
from covid_model.data.public_samples import PUBLIC_SAMPLES, PublicSample, fetch_samples, fetched_samples
from covid_model.errors import DataError
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.images.read import read_image

__all__ = ["server"]

IMAGE = phantom_png(PHANTOMS["hazy"])


def sample(server: Server, name: str = "one") -> PublicSample:
    url = f"http://127.0.0.1:{server.server_address[1]}/{name}.png"
    return PublicSample(name, url, "Normal", "test", perceptual_hash(read_image(IMAGE)), "drawn here")


def yes(_: str) -> bool:
    return True


def test_images_come_once_and_even_recompressed(server: Server, tmp_path: Path) -> None:
    small = cv2.resize(cv2.imdecode(np.frombuffer(IMAGE, np.uint8), cv2.IMREAD_GRAYSCALE), (300, 300))
    server.manner.content = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes()
    wanted = [sample(server, "one"), sample(server, "two")]
    files = fetch_samples(yes, samples=wanted, folder=tmp_path, pause=0, show=False)
    assert [path.name for path in files] == ["one.png", "two.png"]
    asked = len(server.manner.asked)
    fetch_samples(yes, samples=wanted, folder=tmp_path, pause=0, show=False)
    assert len(server.manner.asked) == asked, "what is there is not fetched again"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"<html>sign in</html>", "did not send an image"), (phantom_png(PHANTOMS["hazy"])[:900], "did not send an image")],
)
def test_what_is_no_image_is_not_kept(server: Server, tmp_path: Path, content: bytes, sentence: str) -> None:
    server.manner.content = content
    with pytest.raises(DataError, match=sentence):
        fetch_samples(yes, samples=[sample(server)], folder=tmp_path, pause=0, show=False)
    assert list(tmp_path.iterdir()) == []


def test_another_image_is_not_kept(server: Server, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 20), np.uint8)
    server.manner.content = cv2.imencode(".png", cv2.resize(picture, (400, 400)))[1].tobytes()
    with pytest.raises(DataError, match="sent another image"):
        fetch_samples(yes, samples=[sample(server)], folder=tmp_path, pause=0, show=False)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_one_address_is_asked_and_one_sentence_said(tmp_path: Path) -> None:
    nowhere = [PublicSample(name, "http://127.0.0.1:9/x.png", "Normal", "test", "0" * 64, "") for name in ("a", "b")]
    with pytest.raises(DataError, match="could not be fetched in 2 tries"):
        fetch_samples(yes, samples=nowhere, folder=tmp_path, tries=2, pause=0, show=False)


def test_a_licence_not_accepted_fetches_nothing(server: Server, tmp_path: Path) -> None:
    shown: list[str] = []

    def no(terms: str) -> bool:
        shown.append(terms)
        return False

    with pytest.raises(DataError, match="not accepted"):
        fetch_samples(no, samples=[sample(server)], folder=tmp_path)
    assert "CC BY 3.0" in shown[0] and "drawn here" in shown[0]
    assert server.manner.asked == []


def test_the_table_names_a_dozen_open_images_at_fixed_commits(tmp_path: Path) -> None:
    assert len(PUBLIC_SAMPLES) == 12
    for found in PUBLIC_SAMPLES.values():
        assert "CC BY" in found.credit
        assert len(found.url.split("/")[5]) == 40, "a commit, not a branch that may move"
        assert len(found.phash) == 64
    assert fetched_samples(tmp_path) == {}
