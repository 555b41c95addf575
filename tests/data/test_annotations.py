"""Boxes and scores of radiologists, on drawn tables with known answers and on the public ones."""

from pathlib import Path

import pytest

from covid_model.data.annotations import BRIXIA_FILE, RSNA_FOLDER, ZONES, OpacityBox, brixia_scores, rsna_reads
from covid_model.errors import DataError

MAPPING = "patientId,Image Index\np1,00001_000.jpg\np2,00002_001.png\n"
CLASSES = "patientId,class\np1,Lung Opacity\np1,Lung Opacity\np2,Normal\n"
LABELS = "patientId,x,y,width,height,Target\np1,512,256.0,256,128,1\np1,0,0,1024,1024,1\np2,,,,,0\n"


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    (tmp_path / "mapping.csv").write_text(MAPPING)
    (tmp_path / "stage_2_detailed_class_info.csv").write_text(CLASSES)
    (tmp_path / "stage_2_train_labels.csv").write_text(LABELS)
    return tmp_path


def test_boxes_are_in_pixels_of_the_image_as_stored(challenge: Path) -> None:
    reads = rsna_reads(challenge)
    assert set(reads) == {"00001_000", "00002_001"}
    assert reads["00001_000"].opinion == "Lung Opacity"
    assert reads["00001_000"].boxes((512, 256)) == (OpacityBox(128, 128, 64, 64), OpacityBox(0, 0, 256, 512))
    assert reads["00001_000"].original[0] == OpacityBox(512, 256, 256, 128)
    assert (reads["00002_001"].opinion, reads["00002_001"].boxes((512, 512))) == ("Normal", ())


def test_tables_that_are_not_the_challenges_are_one_sentence(challenge: Path) -> None:
    (challenge / "stage_2_train_labels.csv").write_text(LABELS.replace("256.0", "wide"))
    with pytest.raises(DataError, match=r"stage_2_train_labels\.csv has 'wide' where a number of pixels"):
        rsna_reads(challenge)
    (challenge / "mapping.csv").write_text("patientId,image\n")
    with pytest.raises(DataError, match=r"lacks the column\(s\) Image Index"):
        rsna_reads(challenge)
    with pytest.raises(DataError, match=r"holds no mapping.csv"):
        rsna_reads(challenge / "elsewhere")


def brixia(path: Path, senior: str, junior: str) -> Path:
    columns = [f"{reader}-{zone}" for reader in "SJ" for zone in (*ZONES, "Global")]
    path.write_text(f"filename,{','.join(columns)}\nimage.1.jpg,{senior},{junior}\n")
    return path


def test_brixia_scores_by_reader_and_zone(tmp_path: Path) -> None:
    scores = brixia_scores(brixia(tmp_path / "scores.csv", "0,1,2,3,0,1,7", "0,0,0,0,0,1,1"))
    assert set(scores["image.1"]) == {"senior", "junior"}
    senior = scores["image.1"]["senior"]
    assert {ZONES[zone]: score for zone, score in senior.zones.items()}["left upper"] == 3
    assert (senior.total, scores["image.1"]["junior"].total) == (7, 1)
    with pytest.raises(DataError, match=r"has the score '4' for image\.1\.jpg; zones are scored 0 to 3"):
        brixia_scores(brixia(tmp_path / "scores.csv", "4,1,2,3,0,1,7", "0,0,0,0,0,1,1"))


def test_the_public_annotations_are_all_read(real_images: Path) -> None:
    reads = rsna_reads(real_images / "NIH-ChestXray14" / RSNA_FOLDER)
    assert len(reads) == 308
    assert sum(bool(read.original) for read in reads.values()) == 114
    assert all(bool(read.original) == (read.opinion == "Lung Opacity") for read in reads.values())
    scores = brixia_scores(real_images / "covid-chestxray-dataset" / BRIXIA_FILE)
    assert len(scores) == 141
    assert max(read.total for readers in scores.values() for read in readers.values()) == 18
