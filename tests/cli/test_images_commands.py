import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from covid_model.api.model import Model
from covid_model.build.drawings import draw_page
from covid_model.cli.main import main
from covid_model.explain.explanation import Explanation
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.models.classifier import Classifier, load
from covid_model.models.specs import DEFAULT_MODEL, SHIPPED
from covid_model.share import batch


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "image.png"
    path.write_bytes(phantom_png(PHANTOMS["clear"]))
    return str(path)


@pytest.mark.parametrize("key", SHIPPED)
def test_predict_prints_one_json_object_an_image_and_goes_on_after_a_bad_one(
    key: str, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    code = main(["predict", image, str(bad), "--image", image, "--model", key, "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 2
    assert [line["file"] for line in lines] == [image, str(bad), image]
    assert "text file" in lines[1]["error"]
    good = lines[0]
    told = {"file", "model", "probabilities", "predicted", "head", "called", "below_mark"}
    assert set(good) == told | {"lungs", "input_check", "warnings", "seconds"}
    assert (good["head"], good["called"]) == ("multiclass", [good["predicted"]])
    assert good["model"] == key
    assert sum(good["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert good["predicted"] == max(good["probabilities"], key=good["probabilities"].get)
    assert good["lungs"] == "good"
    assert lines[2]["probabilities"] == good["probabilities"]


def test_what_is_no_chest_image_is_refused_unless_asked_for_anyway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.png"
    cv2.imwrite(str(page), np.round(draw_page(np.random.default_rng(0)) * 255).astype(np.uint8))
    assert main(["predict", str(page), "--json"]) == 2
    assert "does not look like a chest X-ray. Use --force" in json.loads(capsys.readouterr().out)["error"]
    assert main(["predict", str(page), "--json", "--force"]) == 0
    prediction = json.loads(capsys.readouterr().out)
    assert prediction["input_check"] == "other"
    assert "This does not look like a chest X-ray." in prediction["warnings"]
    out = tmp_path / "out"
    assert main(["explain", str(page), "--trust", "--force", "--out", str(out)]) == 0
    assert json.loads(next(out.glob("*.trust.json")).read_text())["trust"]["verdict"]["word"] == "withheld"


def test_predict_for_people(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", image]) == 0
    said = capsys.readouterr().out
    assert image in said
    assert "%" in said


def test_explain_writes_overlay_map_and_record(image: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["explain", image, "--method", "gradcam", "--target", "covid-19", "--out", str(out)]) == 0
    (record,) = out.glob("image.*.gradcam.json")
    found = Explanation.load(record)
    assert (found.target, found.model, found.method) == ("COVID-19", DEFAULT_MODEL, "gradcam")
    assert found.model_digest == load().weights_digest
    assert np.load(record.with_suffix(".npy")).shape == (512, 512)
    assert cv2.imread(str(record.with_suffix(".png"))).shape == (512, 512, 3)


def test_images_of_the_same_name_do_not_overwrite_each_other(image: str, tmp_path: Path) -> None:
    other = tmp_path / "other" / "image.png"
    other.parent.mkdir()
    other.write_bytes(phantom_png(PHANTOMS["dense"]))
    out = tmp_path / "out"
    assert main(["explain", image, str(other), "--out", str(out)]) == 0
    assert len({Explanation.load(path).image_digest for path in out.glob("*.json")}) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "Flu"], "COVID-19, Pneumonia, Normal"),
        (["--layer", "pool"], "choose top"),
    ],
)
def test_wrong_choices_are_one_sentence(
    arguments: list[str], words: str, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", image, "--out", str(tmp_path / "out"), *arguments]) == 2
    assert words in capsys.readouterr().out


def test_wrong_usage_is_one_sentence_without_the_usage_of_everything(
    image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["predict", image, "--model", "nosuch"])
    said = capsys.readouterr().err
    assert said.startswith("error: argument --model: invalid choice: 'nosuch' (choose from 'lungs', ")
    assert said.endswith("; `python -m covid_model predict --help` says what is possible.\n")
    assert "usage:" not in said
    taken = tmp_path / "taken"
    taken.write_text("a file")
    assert main(["explain", image, "--out", str(taken)]) != 0
    printed = capsys.readouterr()
    assert "it is a file; name a folder" in printed.out + printed.err


def test_no_image_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict"]) == 1
    assert "No image given" in capsys.readouterr().err


def test_no_file_costs_more_than_its_own_line(image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A crafted file, a pipe, an empty folder, a name with a line break: one line each, and the good image is answered."""
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    odd = tmp_path / "two\nlines.png"
    odd.write_bytes(b"\x89PNG\r\n\x1a\n")
    named = [str(tmp_path / "empty"), str(tmp_path / "pipe"), str(odd), "/dev/zero", "nul\0.png", image]
    assert main(["predict", *named, "--json"]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    words = (
        "folder without a file",
        "not a regular file",
        "damaged or cut short; copy or export it again",
        "not a regular file",
        "There is no file",
    )
    assert len(lines) == len(named)
    for line, expected in zip(lines, words, strict=False):
        assert expected in line["error"]
    assert lines[-1]["predicted"]


def test_of_a_folder_the_images_are_explained_and_the_rest_is_counted(
    image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "folder", tmp_path / "out"
    folder.mkdir()
    (folder / "image.png").write_bytes(Path(image).read_bytes())
    (folder / "samples.json").write_text("{}")
    (folder / "damaged.png").write_text("no image")
    assert main(["explain", str(folder), "--trust", "--out", str(out)]) == 2, "a damaged image is an error"
    printed = capsys.readouterr()
    assert f"{folder}: passed over .json files (1)" in printed.err
    assert "samples.json" not in printed.out
    assert "damaged.png: error:" in printed.out
    assert f"1 image: {out}" in printed.out
    row = pd.read_parquet(out / batch.TABLE).iloc[0]
    assert f"({row['gradcam/verdict']}: {row['gradcam/why']})" in printed.out
    assert row["gradcam/why"]


def test_probabilities_that_are_no_numbers_are_never_printed(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Classifier, "probabilities", lambda _, logits: np.full((1, 3), np.nan))
    assert main(["predict", image, "--json"]) == 2
    printed = capsys.readouterr().out
    assert "NaN" not in printed
    assert "not finite" in json.loads(printed)["error"]


def test_an_interrupted_folder_leaves_its_finished_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, done = tmp_path / "images", tmp_path / "out", batch.explain_file
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.png").write_bytes(phantom_png(PHANTOMS["clear"]))

    def interrupted(model: Model, path: Path, *rest: Any) -> object:
        if path.name == "3.png":
            raise KeyboardInterrupt
        return done(model, path, *rest)

    monkeypatch.setattr(batch, "explain_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(["explain", str(folder), "--out", str(out)])
    assert [Path(file).name for file in pd.read_parquet(out / batch.TABLE)["file"]] == ["0.png", "1.png", "2.png"]
