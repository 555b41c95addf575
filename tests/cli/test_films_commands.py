import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from covid_model.cli.main import main
from covid_model.explain.explanation import Explanation
from covid_model.films.phantom import PHANTOMS, phantom_png
from covid_model.gate.drawings import draw_page
from covid_model.zoo import DEFAULT_MODEL, SHIPPED, load


@pytest.fixture
def film(tmp_path: Path) -> str:
    path = tmp_path / "film.png"
    path.write_bytes(phantom_png(PHANTOMS["clear"]))
    return str(path)


@pytest.mark.parametrize("key", SHIPPED)
def test_predict_prints_one_json_object_a_film_and_goes_on_after_a_bad_one(
    key: str, film: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    code = main(["predict", film, str(bad), "--image", film, "--model", key, "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 2
    assert [line["file"] for line in lines] == [film, str(bad), film]
    assert "text file" in lines[1]["error"]
    good = lines[0]
    assert set(good) == {"file", "model", "probabilities", "predicted", "lungs", "gate", "warnings", "seconds"}
    assert good["model"] == key
    assert sum(good["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert good["predicted"] == max(good["probabilities"], key=good["probabilities"].get)
    assert good["lungs"] == "good"
    assert lines[2]["probabilities"] == good["probabilities"]


def test_what_is_no_chest_film_is_refused_unless_asked_for_anyway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.png"
    cv2.imwrite(str(page), np.round(draw_page(np.random.default_rng(0)) * 255).astype(np.uint8))
    assert main(["predict", str(page), "--json"]) == 2
    assert "does not look like a chest film. With --anyway" in json.loads(capsys.readouterr().out)["error"]
    assert main(["predict", str(page), "--json", "--anyway"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["gate"] == "other"
    assert "This does not look like a chest film." in answer["warnings"]
    out = tmp_path / "out"
    assert main(["explain", str(page), "--trust", "--anyway", "--out", str(out)]) == 0
    assert json.loads(next(out.glob("*.trust.json")).read_text())["trust"]["verdict"]["word"] == "withheld"


def test_predict_for_people(film: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", film]) == 0
    said = capsys.readouterr().out
    assert film in said
    assert "%" in said


def test_explain_writes_overlay_map_and_record(film: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["explain", film, "--method", "gradcam", "--target", "covid-19", "--out", str(out)]) == 0
    (record,) = out.glob("film.*.gradcam.json")
    found = Explanation.load(record)
    assert (found.target, found.model, found.method) == ("COVID-19", DEFAULT_MODEL, "gradcam")
    assert found.model_digest == load().weights_digest
    assert np.load(record.with_suffix(".npy")).shape == (512, 512)
    assert cv2.imread(str(record.with_suffix(".png"))).shape == (512, 512, 3)


def test_films_of_the_same_name_do_not_overwrite_each_other(film: str, tmp_path: Path) -> None:
    other = tmp_path / "other" / "film.png"
    other.parent.mkdir()
    other.write_bytes(phantom_png(PHANTOMS["dense"]))
    out = tmp_path / "out"
    assert main(["explain", film, str(other), "--out", str(out)]) == 0
    assert len({Explanation.load(path).film_digest for path in out.glob("*.json")}) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "Flu"], "COVID-19, Pneumonia, Normal"),
        (["--layer", "pool"], "choose top"),
    ],
)
def test_wrong_choices_are_one_sentence(
    arguments: list[str], words: str, film: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", film, "--out", str(tmp_path / "out"), *arguments]) == 2
    assert words in capsys.readouterr().out


def test_no_film_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict"]) == 1
    assert "No film given" in capsys.readouterr().err
