"""Images that people read again: what becomes of their labels, and how noisy the labels are."""

from collections import Counter
from pathlib import Path

import layouts
import pytest

from covid_model.cli.main import main
from covid_model.data.annotations import RSNA_FOLDER
from covid_model.data.browse import ManifestTable
from covid_model.data.description import read_description
from covid_model.data.manifest import COLUMNS, SECOND_READ, SecondReads, build, read_manifest
from covid_model.data.quality import CHECKS, run_check
from covid_model.data.source import OTHER_READ
from covid_model.data.sources.nih import NIH
from covid_model.evaluation.label_noise import label_noise

OPINIONS = {0: "Lung Opacity", 1: "Normal", 2: "No Lung Opacity / Not Normal", 3: "Lung Opacity", 20: "Normal"}
"""Number of the image -> opinion: of four images with pneumonia two are read otherwise, of one normal image none."""


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    """Twenty images with pneumonia and twenty without a finding, five of them read again."""
    rows = [(f"{n:08}_000.png", "Pneumonia" if n < 20 else "No Finding", str(n), 700 + n) for n in range(40)]
    folder = layouts.nih(tmp_path, rows)
    place = folder / RSNA_FOLDER
    place.mkdir()
    (place / "mapping.csv").write_text("patientId,Image Index\n" + "".join(f"p{n},{n:08}_000.png\n" for n in OPINIONS))
    (place / "stage_2_detailed_class_info.csv").write_text(
        "patientId,class\n" + "".join(f"p{n},{opinion}\n" for n, opinion in OPINIONS.items())
    )
    (place / "stage_2_train_labels.csv").write_text("patientId,x,y,width,height,Target\np0,1,1,9,9,1\n")
    return folder


@pytest.mark.parametrize(
    ("second_reads", "labels", "line"),
    [
        ("keep", {"Pneumonia": 20, "Normal": 20}, ""),
        ("relabel", {"Pneumonia": 18, "Normal": 21}, "relabelled as people read them again: nih-chestxray14 1"),
        ("leave out", {"Pneumonia": 18, "Normal": 20}, "saw something else: nih-chestxray14 2"),
    ],
)
def test_a_label_is_kept_or_follows_the_second_read(
    nih: Path, second_reads: SecondReads, labels: dict[str, int], line: str
) -> None:
    table, report = build({NIH.name: nih}, second_reads=second_reads)
    assert Counter(table["label"]) == labels
    assert line in "\n".join(report.lines())
    reads = Counter(table[SECOND_READ])
    assert reads["Normal"] == (1 if second_reads == "leave out" else 2)
    assert reads[OTHER_READ] == (1 if second_reads == "keep" else 0)


def test_a_manifest_without_second_reads_has_no_column_for_them(tmp_path: Path) -> None:
    folder = layouts.nih(tmp_path, [(f"{n:08}_000.png", "No Finding", str(n), n) for n in range(10)])
    assert list(build({NIH.name: folder})[0].columns) == list(COLUMNS)


@pytest.mark.parametrize("second_reads", ["relabel", "leave out"])
def test_label_noise_is_that_of_the_source_whatever_the_manifest_made_of_it(
    nih: Path, tmp_path: Path, second_reads: str
) -> None:
    for name in ("keep", second_reads):
        out = tmp_path / f"{name}.parquet"
        arguments = ["data", "build", "--source", f"{NIH.name}={nih}", "--out", str(out), "--second-reads", name]
        assert main(arguments) == 0
    kept, followed = (label_noise(ManifestTable(tmp_path / f"{name}.parquet")) for name in ("keep", second_reads))
    assert followed == kept
    assert followed["Pneumonia"]["differs"]["value"] == 0.5
    none = followed["Normal"]["differs"]
    assert (none["value"], none["low"], none["patients"]) == (0, 0, 1)
    assert none["high"] == pytest.approx(0.975), "one patient says little (Clopper and Pearson 1934)"


def test_label_noise_is_counted_and_its_images_are_listed(nih: Path, tmp_path: Path) -> None:
    out, described = tmp_path / "m.parquet", tmp_path / "described.json"
    assert main(["data", "build", "--source", f"{NIH.name}={nih}", "--out", str(out)]) == 0
    assert main(["data", "describe", str(out), "--out", str(described)]) == 0
    found = read_description(described)
    assert found.second_reads["Pneumonia"]["read_as"] == {"Pneumonia": 2, "Normal": 1, OTHER_READ: 1}
    assert found.second_reads["Normal"]["differs"]["value"] == 0
    sentence = next(text for text in found.noise_sentences if "labelled Pneumonia" in text)
    assert sentence.startswith(
        "Of 4 images labelled Pneumonia by their source that people read again, 50% were read otherwise"
    )
    assert "1 as Normal, 1 as another finding" in sentence
    images = ManifestTable(out)
    check = run_check(CHECKS["second-read"], images)
    assert check.count == 2
    assert set(check.images["why"]) == {
        "labelled Pneumonia, read again as Normal",
        f"labelled Pneumonia, read again as {OTHER_READ}",
    }
    assert read_manifest(out)[SECOND_READ].ne("").sum() == len(OPINIONS)


def test_the_public_reads_say_how_noisy_mined_labels_are(real_images: Path) -> None:
    table, _ = build({NIH.name: real_images / NIH.folders[0]})
    reads = table[table["label"] == "Pneumonia"][SECOND_READ]
    assert Counter(reads[reads != ""]) == {"Pneumonia": 110, OTHER_READ: 101, "Normal": 49}
