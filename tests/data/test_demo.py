"""The drawn data set: what is in it is known, and every planted fault is found by the check that should find it."""

import json
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from covid_model.cli.main import main
from covid_model.data.browse import ManifestTable
from covid_model.data.confounders import sentences
from covid_model.data.demo.hospitals import BAR_GREYS, HOSPITALS, with_bar
from covid_model.data.demo.patients import Patient, draw
from covid_model.data.demo.write import write_demo
from covid_model.data.description import describe
from covid_model.data.labels import LABELS
from covid_model.data.lesions import lesion_mask
from covid_model.data.manifest import read_manifest
from covid_model.data.quality import CHECKS, run_check
from covid_model.errors import DataError
from covid_model.images.image_stats import image_stats
from covid_model.images.read import load_image

IMAGES = 90


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small demo data set, as the command writes it."""
    out = tmp_path_factory.mktemp("demo") / "set"
    assert main(["data", "demo", "--out", str(out), "--images", str(IMAGES)]) == 0
    return out


@pytest.fixture(scope="module")
def truth(demo: Path) -> dict:
    return json.loads((demo / "truth.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def measured(demo: Path, truth: dict) -> ManifestTable:
    """The manifest as a model that is always right would measure it."""
    table = read_manifest(demo / "manifest.parquet")
    true = [truth["images"][Path(path).relative_to(demo).as_posix()]["label"] for path in table["path"]]
    stats = pd.DataFrame([vars(image_stats(load_image(Path(path)))) for path in table["path"]])
    table = table.assign(predicted=true, confidence=0.9, correct=table["label"] == true, lungs="good").join(stats)
    table.to_parquet(demo / "measured.parquet", index=False)
    return ManifestTable(demo / "measured.parquet")


def test_every_label_hospital_and_split_is_there_and_patients_have_several_images(demo: Path) -> None:
    table = read_manifest(demo / "manifest.parquet")
    assert len(table) == IMAGES
    assert set(zip(table["label"], table["split"], strict=True)) == set(product(LABELS, ("train", "val", "test")))
    assert set(table["source"]) == {hospital.source for hospital in HOSPITALS}
    assert table.groupby("patient").size().between(2, 6).sum() > 10
    assert set(table["licence"]) == {"drawn by this program, no patient, free to use"}
    assert all(text.startswith("drawn: ") for text in table["finding"])


@pytest.mark.parametrize("check", ["patients", "leaks", "repeated", "near", "disputed", "mislabelled"])
def test_each_planted_fault_is_found_by_its_check(check: str, demo: Path, truth: dict, measured: ManifestTable) -> None:
    planted = {str(demo / fault["path"]) for fault in truth["faults"] if fault["check"] == check}
    found = run_check(CHECKS[check], measured).images
    assert len(planted) >= 2
    assert planted <= set(found["path"])
    if check in ("mislabelled", "repeated"):  # the others also list the image that a copy was made of
        copies = {"mislabelled": 1, "repeated": 2}[check]
        others = set(found["path"]) - planted
        spread = {path for path in others if truth["images"][Path(path).relative_to(demo).as_posix()].get("copy_of")}
        assert len(others - spread) <= (copies - 1) * len(planted)


def test_styles_of_hospitals_are_seen_by_the_checks_that_look_for_them(demo: Path, measured: ManifestTable) -> None:
    sizes = read_manifest(demo / "manifest.parquet").groupby("source").size()
    framed, text = (run_check(CHECKS[key], measured).images["source"].value_counts() for key in ("framed", "text"))
    assert framed.to_dict() == {"drawn-harbour": sizes["drawn-harbour"]}
    assert text["drawn-hillside"] >= 0.9 * sizes["drawn-hillside"]
    assert text.get("drawn-northfield", 0) == 0
    assert any("Source alone gives" in sentence for sentence in sentences(describe(measured)))


def test_lesions_are_outlined_where_they_were_drawn(demo: Path, truth: dict) -> None:
    for path, known in truth["images"].items():
        image = load_image(demo / path)
        mask = lesion_mask(demo / path, image.shape)
        if known.get("copy_of"):
            continue
        assert (mask is None) == (not known["lesions"])
        assert bool(known["lesions"]) or known["label"] == "Normal" or known["hospital"] == "harbour"
        for box in known["lesions"]:
            rows, cols = slice(box["y"], box["y"] + box["height"]), slice(box["x"], box["x"] + box["width"])
            assert mask is not None and mask[rows, cols].any()


def test_the_lesion_is_what_differs_from_the_same_patient_in_health() -> None:
    sick = draw(Patient("a", "Pneumonia", "F", 50, 7, 1), 0)
    assert sick.lesions.any()
    assert not draw(Patient("a", "Normal", "F", 50, 7, 1), 0).lesions.any()
    assert np.array_equal(sick.chest, draw(Patient("a", "Pneumonia", "F", 50, 7, 1), 0).chest)
    assert not np.array_equal(sick.chest, draw(Patient("a", "Pneumonia", "F", 50, 7, 2), 1).chest)


def test_every_image_says_that_it_is_drawn_in_the_same_way(demo: Path, truth: dict) -> None:
    """The bar must not tell classes apart: it is the same on every image of a hospital."""
    bars: dict[str, set[bytes]] = {}
    for path, known in truth["images"].items():
        image = cv2.imread(str(demo / path), cv2.IMREAD_GRAYSCALE)
        side = image.shape[1]
        bar = image[side:]
        assert abs(int(np.median(bar)) - BAR_GREYS[0]) <= 3
        assert (bar > sum(BAR_GREYS) / 2).mean() > 0.02, "there are letters on it"
        if path.endswith(".png") and not known.get("copy_of"):
            bars.setdefault(known["hospital"], set()).add(bar.tobytes())
    assert all(len(found) == 1 for found in bars.values())
    assert with_bar(np.zeros((100, 100), np.uint8)).shape == (109, 100)


def test_the_same_seed_draws_the_same_and_another_something_else(demo: Path, tmp_path: Path) -> None:
    first = read_manifest(demo / "manifest.parquet")["digest"].tolist()
    same = read_manifest(write_demo(tmp_path / "same", images=IMAGES).manifest)["digest"].tolist()
    other = read_manifest(write_demo(tmp_path / "other", images=IMAGES, seed=1).manifest)["digest"].tolist()
    assert same == first
    assert not set(other) & set(first)


def test_a_folder_in_use_and_too_few_images_are_refused(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not empty; name a new folder"):
        write_demo(demo)
    with pytest.raises(DataError, match="needs 60 images or more"):
        write_demo(tmp_path / "few", images=20)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_demo(tmp_path / "file")
