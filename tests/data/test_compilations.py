"""Sources that were compiled from others, on drawn copies of their layout, and COVID-CXNet as it is."""

from pathlib import Path

import layouts
import pytest

from covid_model.data.manifest import build
from covid_model.data.sources import find_sources, get_source
from covid_model.errors import DataError

RADIOGRAPHY, COVIDX, CXNET = "covid-19-radiography-database", "covidx", "covid-cxnet"


def test_masks_of_the_radiography_database_are_no_images_and_its_folders_no_patients(tmp_path: Path) -> None:
    folder = layouts.radiography(tmp_path)
    assert find_sources(tmp_path) == {RADIOGRAPHY: folder}
    table, report = build({RADIOGRAPHY: folder})
    assert table.groupby("label").size().to_dict() == {"COVID-19": 6, "Normal": 6, "Pneumonia": 6}
    assert not table["path"].str.contains("/masks/").any()
    assert table["patient"].nunique() == 18
    assert report.left_out_label[RADIOGRAPHY] == {"Lung_Opacity": 6}
    assert report.passed_over[RADIOGRAPHY] == {"masks": 24, ".xlsx files": 4}
    assert report.unknown_patients == {RADIOGRAPHY: 18}


def test_covidx_is_read_from_its_text_files(tmp_path: Path) -> None:
    layouts.covidx(
        tmp_path, ["3 a.png COVID-19 cohen", "3 b.png pneumonia sirm", "SARS-1 c.png positive", "7 d.png negative rsna"]
    )
    layouts.covidx(tmp_path, ["9 e.jpg normal rsna", "9 gone.png normal rsna"], "test", "test_COVIDx9A.txt")
    folder = layouts.covidx(tmp_path, ["no it.png line"], "val", "val.txt")
    (folder / "test" / "gone.png").unlink()
    table, report = build({COVIDX: folder})
    names = table["path"].map(lambda path: Path(path).name)
    assert dict(zip(names, zip(table["label"], table["patient"], strict=True), strict=True)) == {
        "a.png": ("COVID-19", "covidx:cohen/3"),
        "b.png": ("Pneumonia", "covidx:sirm/3"),
        "c.png": ("COVID-19", "covidx:SARS-1"),
        "e.jpg": ("Normal", "covidx:rsna/9"),
    }
    assert report.left_out_label[COVIDX] == {"negative": 1}
    assert report.missing_files == {COVIDX: 1}
    assert report.broken == ["covidx: val.txt has a line that is not patient, file, class: 'no it.png line'"]


def test_an_image_of_covidx_with_a_label_in_one_file_only_keeps_it(tmp_path: Path) -> None:
    layouts.covidx(tmp_path, ["1 a.png negative rsna"], table="train_COVIDx8B.txt")
    folder = layouts.covidx(tmp_path, ["1 a.png normal rsna"], table="train_COVIDx9A.txt")
    assert build({COVIDX: folder})[0]["label"].tolist() == ["Normal"]


def test_covid_cxnet_images_without_a_patient_are_patients_of_their_own(tmp_path: Path) -> None:
    folder = layouts.cxnet(
        tmp_path, [("1.jpg", "5", "AP", 1), ("2.jpg", "5", "", 2), ("3.jpg", "", "", 3), ("4.jpg", "", "PA", 4)]
    )
    table, report = build({CXNET: folder})
    assert table["view"].tolist() == ["AP", "Frontal", "Frontal", "PA"]
    assert table["patient"].nunique() == 3
    assert table["patient"].tolist()[:2] == ["covid-cxnet:5"] * 2
    assert report.unknown_patients == {CXNET: 2}
    assert set(table["sex"]) == {"M"}


def test_the_public_images_of_covid_cxnet(real_images: Path) -> None:
    folder = real_images / "COVID-CXNet"
    if not folder.is_dir():
        pytest.skip(f"no COVID-CXNet in {real_images}")
    images = list(get_source(CXNET).read(folder))
    assert sum(image.usable for image in images) == 427
    assert all(image.path.is_file() for image in images)
    assert sum(not image.patient for image in images) == 203


@pytest.mark.parametrize("name", [RADIOGRAPHY, COVIDX])
def test_another_folder_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "knees").mkdir()
    with pytest.raises(DataError, match=r"has none of the folders COVID, Viral Pneumonia|holds no train\*.txt"):
        list(get_source(name).read(tmp_path))
