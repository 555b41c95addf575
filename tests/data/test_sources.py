from pathlib import Path

import layouts
import pytest

from covid_model.data.labels import LABELS
from covid_model.data.sources import SOURCES, get_source
from covid_model.data.sources.cohen import COHEN
from covid_model.data.sources.kermany import KERMANY
from covid_model.data.sources.nih import NIH
from covid_model.errors import DataError


def read(name: str, folder: Path) -> list:
    """The images; what is passed over is left out."""
    return [image for image in get_source(name).read(folder) if not image.passed_over]


@pytest.mark.parametrize(
    ("finding", "label"),
    [
        ("COVID-19", "COVID-19"),
        ("COVID-19, ARDS", "COVID-19"),
        ("Pneumonia/Viral/COVID-19", "COVID-19"),
        ("Pneumonia/Bacterial/Streptococcus", "Pneumonia"),
        ("SARS", "Pneumonia"),
        ("No Finding", "Normal"),
        ("todo", None),
        ("Unknown", None),
        ("ARDS", None),
        ("", None),
    ],
)
def test_cohen_findings_map_by_the_visible_table(finding: str, label: str | None) -> None:
    assert COHEN.label(finding) == label


@pytest.mark.parametrize(
    ("findings", "label"),
    [
        ("No Finding", "Normal"),
        ("Infiltration|Pneumonia", "Pneumonia"),
        ("Infiltration", None),
        ("Pneumonia", "Pneumonia"),
    ],
)
def test_nih_findings(findings: str, label: str | None) -> None:
    assert NIH.label(findings) == label


def test_every_mapped_label_is_a_class_of_the_models() -> None:
    assert set(COHEN.labels.values()) == set(LABELS)
    for source in SOURCES.values():
        assert set(source.labels.values()) <= set(LABELS), source.name


def test_nih_is_read_from_numbered_folders_and_old_ages(tmp_path: Path) -> None:
    folder = layouts.nih(tmp_path, [("a_000.png", "No Finding", "7", 1)], table="Data_Entry_2017.csv")
    (row,) = read(NIH.name, folder)
    assert row.path == folder / "images_001" / "images" / "a_000.png"
    assert (row.patient, row.label, row.sex, row.age, row.view) == ("7", "Normal", "F", 58.0, "PA")


def test_kermany_patients_come_from_file_names_also_when_unpacked_twice(tmp_path: Path) -> None:
    names = [
        ("chest_xray/train/PNEUMONIA/person12_virus_3.jpeg", 1),
        ("chest_xray/test/NORMAL/NORMAL2-IM-0115-0001.jpeg", 2),
        ("chest_xray/val/NORMAL/IM-0200-0001.jpeg", 3),
        ("chest_xray/val/NORMAL/holiday.jpeg", 4),
    ]
    rows = {row.path.stem: row for row in read(KERMANY.name, layouts.kermany(tmp_path, names))}
    assert rows["person12_virus_3"].patient == "person12"
    assert rows["person12_virus_3"].label == "Pneumonia"
    assert rows["NORMAL2-IM-0115-0001"].patient == "IM-0115"
    assert rows["IM-0200-0001"].label == "Normal"
    assert "holiday.jpeg" in rows["holiday"].problem


@pytest.mark.parametrize("name", SOURCES)
def test_a_wrong_folder_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        read(name, tmp_path)


def test_a_table_without_its_columns_names_them(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("patientid,finding\n1,COVID-19\n")
    with pytest.raises(DataError, match=r"lacks the column\(s\) view, filename, modality"):
        read(COHEN.name, tmp_path)


def test_ct_volumes_are_not_images(tmp_path: Path) -> None:
    folder = layouts.cohen(tmp_path, [{"patientid": "1", "filename": "a.png", "modality": "CT"}])
    assert read(COHEN.name, folder) == []
    assert [image.passed_over for image in COHEN.read(folder)] == ["modality CT"]


def test_unknown_source_names_the_known_ones() -> None:
    with pytest.raises(DataError, match=", ".join(SOURCES)):
        get_source("kaggle")
