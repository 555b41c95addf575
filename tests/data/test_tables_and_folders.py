"""Tables and folders as people have them: encodings, paths, suffixes, identifiers, splits and masks."""

import shutil
import unicodedata
from pathlib import Path

import layouts
import pandas as pd
import pytest

from covid_model.cli.main import main
from covid_model.data.image_files import ImageFinder
from covid_model.data.manifest import read_manifest
from covid_model.data.patients import is_known, one_spelling, spelling_key
from covid_model.data.tables import read_table
from covid_model.errors import DataError

COLUMNS = ["--column", "path=file", "--column", "label=dx", "--column", "patient=who"]
LABELS = ("COVID-19", "Normal", "Pneumonia")


def drawn(folder: Path, count: int = 12, name: str = "f{}.png") -> list[str]:
    names = [name.format(number) for number in range(count)]
    for seed, each in enumerate(names):
        layouts.save(folder / each, seed)
    return names


def table(path: Path, files: list[str], patients: list[str] | None = None, encoding: str = "utf-8", sep: str = ",") -> Path:
    patients = patients or [f"p{number // 2}" for number in range(len(files))]
    lines = [sep.join(("file", "dx", "who"))]
    lines += [sep.join((file, LABELS[n % 3], who)) for n, (file, who) in enumerate(zip(files, patients, strict=True))]
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def build(out: Path, *arguments: str) -> pd.DataFrame:
    assert main(["data", "build", *arguments, "--out", str(out)]) == 0
    return read_manifest(out)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_encoding_and_separator_gives_the_same_table(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(separator.join(("file", " dx ", "hôpital")).encode(encoding) + f"\na{separator}b".encode(encoding)[
        2 if encoding == "utf-16" else 3 if encoding == "utf-8-sig" else 0 :])  # fmt: skip
    found = read_table(path)
    assert found.columns == ("file", "dx", "hôpital")
    assert found.rows == ({"file": "a", "dx": "b", "hôpital": ""},)


def test_lines_of_excel_quotes_and_old_line_ends_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('sep=;\r\nfile;dx\r\n"a;b.png";x\r\n', newline="")
    assert read_table(path).rows == ({"file": "a;b.png", "dx": "x"},)
    path.write_bytes(b"file,dx\ra,b\r")
    assert read_table(path).rows == ({"file": "a", "dx": "b"},)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "Excel or OpenDocument workbook; save its sheet as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (b"", "it is empty"),
        (b"a,b\n1,ARDS, COVID-19\n", "a row of 3 cells under 2 columns"),
        (b"a,a\n1,2\n", "several columns called a"),
        (b"\xff\xfea\x00b", "not readable as utf-16 text"),
    ],
)
def test_tables_that_cannot_be_read_are_one_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / "list.csv")


@pytest.mark.parametrize(
    "written",
    ["img\\{}.png", "./img/{}.png", "IMG/{}.PNG", "img/{}", "{}.png", "img/{}.jpg", "C:\\data\\img\\{}.png", "{}"],
)
def test_a_table_means_the_same_file_however_it_is_written(written: str, tmp_path: Path) -> None:
    drawn(tmp_path / "img")
    shutil.copytree(tmp_path / "img", tmp_path / "masks")
    path = table(tmp_path / "list.csv", [written.format(f"f{n}") for n in range(12)])
    found = build(tmp_path / "m.parquet", "--table", f"x={path}", *COLUMNS)
    assert sorted(found["path"]) == sorted(str(tmp_path.resolve() / "img" / f"f{n}.png") for n in range(12))


def test_unicode_forms_and_several_files_of_one_name(tmp_path: Path) -> None:
    decomposed = tmp_path / unicodedata.normalize("NFD", "é 1.png")
    layouts.save(decomposed, 1)
    assert ImageFinder(tmp_path).find(unicodedata.normalize("NFC", "é 1.png")) == decomposed
    for folder in ("a", "b"):
        layouts.save(tmp_path / folder / "same.png", 2)
    assert ImageFinder(tmp_path).find("A\\SAME") == tmp_path / "a" / "same.png"
    assert not ImageFinder(tmp_path).find("same.jpg").exists(), "which of the two is meant cannot be known"


def test_the_images_of_a_table_may_be_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = drawn(tmp_path / "pictures")
    (tmp_path / "tables").mkdir()
    path = table(tmp_path / "tables" / "list.csv", names[:-1])
    arguments = ["--table", f"x={path}", *COLUMNS]
    assert len(build(tmp_path / "m.parquet", *arguments, "--images", f"x={tmp_path / 'pictures'}")) == 11
    assert "passed over, x: images that no row names 1" in capsys.readouterr().out
    assert main(["data", "build", *arguments, "--out", str(tmp_path / "m.parquet")]) == 1
    assert f"11 files missing, first looked for f0.png below {path.parent}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--images", "x={root}"], "--images x=DIR belongs to a --table x=CSV, which is not given"),
        (["--folder", "x={root}", "--table", "x={root}/list.csv"], "x is named as a folder and as a table"),
        (["--folder", "x={root}", "--folder", "x={root}"], "--folder names x twice"),
        (["--folder", "chest_xray={root}"], "chest_xray is the name of a public source"),
        (["--table", "x={root}/list.csv", *COLUMNS, "--images", "x={root}/none"], "none is not a folder"),
    ],
)
def test_names_that_cannot_be_are_one_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [text.replace("{root}", str(tmp_path)) for text in arguments]
    assert main(["data", "build", *given, "--out", str(tmp_path / "m.parquet")]) == 1
    assert words in capsys.readouterr().err


def test_a_total_failure_says_what_was_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("left", "right"):
        drawn(tmp_path / "own" / name, 2)
    layouts.save(tmp_path / "own" / "left" / "masks" / "f0.png", 9)
    assert main(["data", "build", "--folder", f"x={tmp_path / 'own'}", "--out", str(tmp_path / "m.parquet")]) == 1
    error = capsys.readouterr().err
    assert (
        f"No usable image of x in {tmp_path / 'own'}: 4 left out because their label is not known (left 2, right 2)" in error
    )
    assert "1 passed over (masks 1)." in error
    (tmp_path / "own" / "normal").mkdir()
    (tmp_path / "own" / "normal" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main(["data", "build", "--folder", f"x={tmp_path / 'own'}", "--out", str(tmp_path / "m.parquet")]) == 1
    assert "1 broken, the first: bad.png: The PNG is damaged" in capsys.readouterr().err


def test_files_are_images_by_content_and_the_rest_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own"
    for seed, name in enumerate(("COVID/a.png", "COVID/b.jpg", "Normal/c.jpg", "Normal/d.png")):
        layouts.save(own / name, seed)
    (own / "COVID" / "b.jpg").rename(own / "COVID" / "b.jfif")
    (own / "Normal" / "c.jpg").rename(own / "Normal" / "IM0001")
    (own / "Normal" / "d.png").rename(own / "Normal" / "d.dicom")
    for name in (".DS_Store", "notes.txt", "README"):
        (own / "COVID" / name).write_text("no image")
    layouts.save(tmp_path / "elsewhere" / "e.png", 7)
    layouts.save(tmp_path / "elsewhere" / "f.png", 8)
    (own / "Normal" / "linked").symlink_to(tmp_path / "elsewhere")
    (own / "Normal" / "loop").symlink_to(own)
    (own / "Normal" / "g.png").symlink_to(tmp_path / "nowhere.png")
    found = build(tmp_path / "m.parquet", "--folder", f"x={own}")
    assert {Path(path).name for path in found["path"]} == {"a.png", "b.jfif", "IM0001", "d.dicom", "e.png", "f.png"}
    told = capsys.readouterr().out
    for counted in ("hidden files 1", ".txt files 1", "files without a suffix that are no images 1", "broken links 1"):
        assert counted in told


def test_folders_of_a_split_are_no_classes_and_archives_may_wrap_them(tmp_path: Path) -> None:
    for place, split in enumerate(("train", "test", "val")):
        for number, name in enumerate(("NORMAL", "PNEUMONIA")):
            layouts.save(tmp_path / "own" / "archive" / split / name / "1.png", 10 * place + number)
    found = build(tmp_path / "m.parquet", "--folder", f"x={tmp_path / 'own'}")
    assert found.groupby("label").size().to_dict() == {"Normal": 3, "Pneumonia": 3}
    assert found["patient"].nunique() == 6


@pytest.mark.parametrize(
    ("inner", "patients"), [("images", 12), ("png_1", 12), ("ward", 12), ("patient{}", 6), ("patient{}/images", 6)]
)
def test_folders_that_every_class_repeats_are_no_patients(inner: str, patients: int, tmp_path: Path) -> None:
    for place, name in enumerate(("covid", "normal")):
        for number in range(6):
            layouts.save(tmp_path / "own" / name / inner.format(number // 2) / f"{number}.png", 10 * place + number)
    assert build(tmp_path / "m.parquet", "--folder", f"x={tmp_path / 'own'}")["patient"].nunique() == patients


@pytest.mark.parametrize(
    ("first", "second", "example"),
    [("{}", "{}.0", "'0' and '0.0'"), ("{}", "{:03d}", "'0' and '000'"), (" p{} ", "P{}", "'P0' and 'p0'")],
)
def test_a_patient_written_in_two_ways_is_one(
    first: str, second: str, example: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = drawn(tmp_path)
    patients = [(first, second)[number % 2].format(number // 2) for number in range(12)]
    found = build(tmp_path / "m.parquet", "--table", f"x={table(tmp_path / 'list.csv', names, patients)}", *COLUMNS)
    assert found["patient"].nunique() == 6
    assert (found.groupby("patient")["split"].nunique() == 1).all()
    assert f"patients written in several ways, x: 6, such as {example}; each counts as one" in capsys.readouterr().out


def test_words_for_an_unknown_patient_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = drawn(tmp_path)
    patients = ["unknown", "N/A", "-", "", "Anonymous", "nan", *["p1"] * 6]
    found = build(tmp_path / "m.parquet", "--table", f"x={table(tmp_path / 'list.csv', names, patients)}", *COLUMNS)
    assert found["patient"].nunique() == 7
    assert "images without a patient, each a patient of its own: x 6" in capsys.readouterr().out
    assert is_known("0")
    assert not is_known(" NaN ")


def test_spellings_of_different_patients_stay_apart() -> None:
    different = ["1", "10", "p1", "q1", "1a", "1.5", "p", "IM-0115"]
    assert len(set(map(spelling_key, different))) == len(different)
    assert one_spelling(different) == {}
    assert one_spelling(["7", "7.0", "7", "8"]) == {"7": "7", "7.0": "7"}


def test_an_empty_split_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn(tmp_path / "own" / "covid", 1)
    layouts.save(tmp_path / "own" / "normal" / "a.png", 50)
    build(tmp_path / "m.parquet", "--folder", f"x={tmp_path / 'own'}")
    told = capsys.readouterr().out
    assert "the val split is empty: too few patients" in told
    for number in range(20):
        layouts.save(tmp_path / "own" / "normal" / f"{number}.png", 100 + number)
    build(tmp_path / "m.parquet", "--folder", f"x={tmp_path / 'own'}")
    assert "the val split has no COVID-19: too few patients" in capsys.readouterr().out
