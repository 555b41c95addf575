"""Questions to a manifest with known answers, and files that are none."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from covid_model.cli.main import main
from covid_model.data.browse import ManifestTable
from covid_model.data.confounders import guess, sentences
from covid_model.data.description import describe, read_description
from covid_model.data.filters import FILTERS, Query
from covid_model.data.manifest import data_hash
from covid_model.data.quality import CHECKS, LISTED, run_check
from covid_model.data.report import write_report
from covid_model.data.similar import embedding_path, similar
from covid_model.data.sources.kermany import KERMANY
from covid_model.errors import DataError

ROWS = [
    # source, patient, label, split, view, sex, age, predicted, correct, confidence, finding
    ("a", "p1", "COVID-19", "train", "PA", "M", 70.0, "COVID-19", True, 0.9, "COVID-19, ARDS"),
    ("a", "p1", "COVID-19", "test", "AP", "M", 71.0, "Normal", False, 0.6, "COVID-19"),
    ("a", "p2", "Normal", "train", "PA", "F", 17.0, "Normal", True, 0.7, "No Finding"),
    ("b", "p3", "Normal", "train", "", "", None, "Normal", True, 0.5, "NORMAL"),
    ("b", "p4", "Normal", "val", "PA", "", None, "COVID-19", False, 0.95, "NORMAL"),
    ("b", "p5", "Pneumonia", "test", "L", "F", 45.0, "Pneumonia", True, 0.8, "50 % o'clock"),
]
NAMES = ["source", "patient", "label", "split", "view", "sex", "age", "predicted", "correct", "confidence", "finding"]


@pytest.fixture
def table() -> pd.DataFrame:
    images = pd.DataFrame(ROWS, columns=NAMES)
    numbers = range(len(images))
    return images.assign(
        path=[f"/images/{n}.png" for n in numbers],
        digest=[f"{n:x}" * 64 for n in numbers],
        phash=[f"{n:x}" * 64 for n in (1, 2, 4, 8, 3, 5)],
        height=[100, 200, 300, 400, 500, 600],
        group=list(numbers),
        letters=[0, 0, 14, 0, 10, 9],
        likeness=[0.5, 0.4, -0.3, 0.6, 0.5, 0.5],
        lungs=["good", "good", "failed", "good", "good", "doubtful"],
        map_x=1.0,
        map_y=2.0,
    )


@pytest.fixture
def images(table: pd.DataFrame, tmp_path: Path) -> ManifestTable:
    path = tmp_path / "it's images.parquet"
    table.to_parquet(path)
    return ManifestTable(path)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        (Query(), [0, 1, 2, 3, 4, 5]),
        (Query({"label": ("COVID-19",)}), [0, 1]),
        (Query({"label": ("COVID-19", "Pneumonia"), "split": ("test",)}), [1, 5]),
        (Query({"view": ("not stated",)}), [3]),
        (Query({"age": ("under 18", "not stated")}), [2, 3, 4]),
        (Query({"prediction": ("wrong",)}), [1, 4]),
        (Query(ranges={"confidence": (0.6, 0.8)}), [1, 2, 5]),
        (Query(text="normal"), [3, 4]),
        (Query(text="% o'clock"), [5]),
        (Query(text="covid ards"), [0]),
        (Query(digests=("1" * 64, "3" * 64)), [1, 3]),
        (Query({"label": ("none such",)}), []),
        (Query(sort="age", descending=True), [1, 0, 5, 2, 3, 4]),
        (Query(sort="confidence"), [3, 1, 2, 5, 0, 4]),
        (Query(sort="path; DROP VIEW images"), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_queries_find_what_they_should(images: ManifestTable, query: Query, places: list[int]) -> None:
    assert images.count(query) == len(places)
    assert images.page(query, 0, 10)["file_row_number"].tolist() == places
    assert images.page(query, 1, 2)["file_row_number"].tolist() == places[1:3]


def test_counts_beside_a_filter_are_what_choosing_it_would_give(images: ManifestTable) -> None:
    query = Query({"label": ("Normal",), "sex": ("F",)})
    facets = images.facets(query)
    assert facets["source"] == {"a": 1}
    assert facets["label"] == {"Normal": 1, "Pneumonia": 1}, "the label's own choice is lifted for its counts"
    for key, counts in facets.items():
        for value, count in counts.items():
            assert images.count(Query({**query.choices, key: (value,)})) == count, (key, value)
    assert images.facets(Query())["sex"] == {"M": 2, "F": 2, "not stated": 2}


def test_an_image_is_found_by_the_beginning_of_its_digest(images: ManifestTable) -> None:
    found = images.find("4" * 16)
    assert found is not None
    assert found["path"] == "/images/4.png"
    assert images.find("f" * 16) is None


def test_what_the_manifest_lacks_is_not_offered(table: pd.DataFrame, tmp_path: Path) -> None:
    table[["path", "source", "label", "split", "digest"]].to_parquet(tmp_path / "bare.parquet")
    images = ManifestTable(tmp_path / "bare.parquet")
    assert set(images.facets(Query())) == {"source", "label", "split"}
    assert images.count(Query({"view": ("PA",)}, {"confidence": (0.9, 1.0)})) == 6
    assert run_check(CHECKS["text"], images).count is None
    assert describe(images).patients == 6


def test_files_that_are_no_manifest_are_one_sentence(tmp_path: Path, table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="No manifest at"):
        ManifestTable(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 damaged PAR1")
    with pytest.raises(DataError, match="cannot be read as a manifest"):
        ManifestTable(tmp_path / "bad.parquet")
    table.drop(columns="label").to_parquet(tmp_path / "lacks.parquet")
    with pytest.raises(DataError, match="lacks the column"):
        ManifestTable(tmp_path / "lacks.parquet")
    table.to_parquet(tmp_path / "gone.parquet")
    images = ManifestTable(tmp_path / "gone.parquet")
    (tmp_path / "gone.parquet").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        images.count()


def test_a_manifest_that_is_replaced_or_removed_while_open_is_one_sentence(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    table.to_parquet(path)
    images = ManifestTable(path)
    assert images.count() == len(table)
    table.iloc[:2].to_parquet(path)
    with pytest.raises(DataError, match=r"m\.parquet was replaced while it was open; load the page again\.$"):
        images.rows([0, 4])
    path.write_bytes(b"PAR1 cut")
    with pytest.raises(DataError, match=r"m\.parquet cannot be read as a manifest; build it again with `data build`\.$"):
        images.count()
    path.unlink()
    for ask in (images.count, images.data_hash, lambda: images.rows([0]), lambda: images.find("0")):
        with pytest.raises(DataError, match=r"m\.parquet cannot be read: it was removed while it was open\.$"):
            ask()


def test_every_filter_names_its_column(images: ManifestTable) -> None:
    for row in FILTERS.values():
        assert row.needs in (*images.columns, "attention", "second_read")


def test_a_description_says_what_gives_labels_away(images: ManifestTable, tmp_path: Path) -> None:
    found = describe(images)
    assert (found.images, found.patients) == (6, 5)
    assert found.counts["source"] == {"a": {"COVID-19": 2, "Normal": 1}, "b": {"Normal": 2, "Pneumonia": 1}}
    assert found.spreads["height"]["source"]["a"][2] == 200
    said = " ".join(sentences(found))
    assert "b has no COVID-19 among its 3 images." in said
    assert "A missing sex reveals the label: it is not stated for 0% of COVID-19, 0% of Pneumonia, 67% of Normal" in said
    found.save(tmp_path / "d.json")
    assert read_description(tmp_path / "d.json") == found
    (tmp_path / "d.json").write_text("{}")
    with pytest.raises(DataError, match="not a readable description"):
        read_description(tmp_path / "d.json")


def test_all_images_of_a_label_from_sources_of_their_own_are_told(table: pd.DataFrame, tmp_path: Path) -> None:
    apart = table.assign(source=["c", "c", *[KERMANY.name] * 3, "c"])
    apart.to_parquet(tmp_path / "apart.parquet")
    said = " ".join(sentences(describe(ManifestTable(tmp_path / "apart.parquet"))))
    assert "The source reveals Normal: all 3 images of it come from sources with no other label." in said
    assert f"Age is a confounder: all 3 images of {KERMANY.name} show children, 0 of them with COVID-19" in said
    assert f"{KERMANY.name} has no COVID-19" not in said, "its missing COVID-19 is stated once"


def test_guessing_from_a_column() -> None:
    found = guess("source", {"a": {"x": 8, "y": 2}, "b": {"y": 10}})
    assert (found.right, found.always, found.gives_label_away) == (18 / 20, 12 / 20, True)
    assert not guess("source", {"a": {"x": 5, "y": 5}, "b": {"x": 5, "y": 5}}).gives_label_away


def test_the_shipped_description_is_readable() -> None:
    found = read_description()
    assert found.images > 2000
    assert any("has no COVID-19 among its" in sentence for sentence in sentences(found))


@pytest.mark.parametrize(
    ("key", "places"),
    [
        ("patients", [0, 1]),
        ("mislabelled", [4, 1]),
        ("lateral", [5]),
        ("inverted", [2]),
        ("text", [2, 4]),
        ("no-lungs", [2]),
        ("bare", [3]),
        ("disputed", []),
        ("repeated", []),
        ("gone", [0, 1, 2, 3, 4, 5]),
        ("leaks", []),
    ],
)
def test_planted_faults_are_found(images: ManifestTable, key: str, places: list[int]) -> None:
    found = run_check(CHECKS[key], images)
    assert found.count == len(places)
    assert [int(path.split("/")[-1][0]) for path in found.images["path"]] == places
    assert all(len(why) > 5 for why in found.images["why"])


def test_planted_duplicates_are_found_with_their_distance(table: pd.DataFrame, tmp_path: Path) -> None:
    twin = table.assign(phash=[*table["phash"][:5], "1" * 63 + "0"], digest=[*table["digest"][:5], table["digest"][0]])
    twin.to_parquet(tmp_path / "twin.parquet")
    images = ManifestTable(tmp_path / "twin.parquet")
    whys = {key: run_check(CHECKS[key], images).images["why"].tolist() for key in ("leaks", "near", "disputed", "repeated")}
    assert whys["leaks"] == [f"1 of 256 bits from an image of the {split} split" for split in ("test", "train")]
    assert whys["near"] == ["1 of 256 bits from 5.png", "1 of 256 bits from 0.png"]
    assert whys["disputed"] == [
        "1 of 256 bits from 5.png, labelled Pneumonia",
        "1 of 256 bits from 0.png, labelled COVID-19",
    ]
    assert whys["repeated"] == ["2 rows have this file (00000000)"] * 2


def test_long_lists_are_counted_whole_and_named_in_part(table: pd.DataFrame, tmp_path: Path) -> None:
    many = pd.concat([table] * 300, ignore_index=True)
    many.to_parquet(tmp_path / "many.parquet")
    found = run_check(CHECKS["text"], ManifestTable(tmp_path / "many.parquet"))
    assert (found.count, len(found.images)) == (600, 600)
    found = run_check(CHECKS["repeated"], ManifestTable(tmp_path / "many.parquet"))
    assert (found.count, len(found.images)) == (1800, LISTED)


def test_the_data_hash_is_that_of_the_manifest(
    table: pd.DataFrame, images: ManifestTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("covid_model.data.browse.BATCH", 4)
    assert images.data_hash() == data_hash(table)


def test_alike_images_by_cosine(tmp_path: Path) -> None:
    path = embedding_path(tmp_path / "m.parquet")
    np.save(path, np.array([[1, 0], [2, 0.1], [0, 1], [-1, 0]], np.float16))
    found = similar(path, np.array([1, 0], np.float32), count=3, skip=0)
    assert [place for place, _ in found] == [1, 2, 3]
    assert found[0][1] == pytest.approx(2 / np.hypot(2, 0.1), abs=1e-3)
    assert [score for _, score in found[1:]] == pytest.approx([0, -1])
    with pytest.raises(DataError, match="another model"):
        similar(path, np.ones(3, np.float32))
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match="not readable"):
        similar(path, np.ones(2, np.float32))


def test_the_report_holds_everything_and_says_what_must_be_mended(
    images: ManifestTable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "report", str(images.path), "--out", str(tmp_path / "out")]) == 1, "a patient leaks"
    assert "Patients in several splits: 2" in capsys.readouterr().out
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [cells["why"] for cells in content["quality"]["lateral"]["images"]] == ["view L"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "b has no COVID-19 among its 3 images." in page
    assert "<script" not in page
    assert "http" not in page
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write_report(images, describe(images), tmp_path / "file" / "out")


def test_a_report_shows_names_as_text(table: pd.DataFrame, tmp_path: Path) -> None:
    table.assign(label="<b>x</b>").to_parquet(tmp_path / "odd.parquet")
    odd = ManifestTable(tmp_path / "odd.parquet")
    write_report(odd, describe(odd), tmp_path)
    assert "<b>x" not in (tmp_path / "report.html").read_text()
