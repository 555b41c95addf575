from pathlib import Path

import layouts
import pandas as pd
import pytest

from covid_model.cli.main import main
from covid_model.data.check import check_leakage
from covid_model.data.manifest import COLUMNS, build, read_manifest, write_manifest
from covid_model.data.sources import cohen, hannover
from covid_model.data.user_source import classes_source
from covid_model.errors import DataError

COHEN, HANNOVER = cohen.COHEN.name, hannover.HANNOVER.name


def cohen_rows(count: int) -> list[dict[str, str]]:
    return [{"patientid": str(i), "filename": f"c{i}.png", "seed": str(100 + i)} for i in range(count)]


def test_what_is_left_out_is_counted_not_fatal(tmp_path: Path) -> None:
    rows = [
        *cohen_rows(3),
        {"patientid": "50", "filename": "todo.png", "finding": "todo", "seed": "1"},
        {"patientid": "51", "filename": "side.png", "view": "L", "seed": "2"},
        {"patientid": "52", "filename": "absent.png"},
        {"patientid": "53", "filename": "broken.png"},
        {"patientid": "0", "filename": "c0.png"},
    ]
    folder = layouts.cohen(tmp_path, rows)
    (folder / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    table, report = build({COHEN: folder})
    assert sorted(Path(path).name for path in table["path"]) == ["c0.png", "c1.png", "c2.png"]
    assert report.left_out_label[COHEN] == {"todo": 1}
    assert report.left_out_view[COHEN] == {"L": 1}
    assert report.missing_files == {COHEN: 1}
    assert report.repeated_rows == {COHEN: 1}
    assert len(report.broken) == 1
    assert "broken.png" in report.broken[0]


def test_all_views_keeps_lateral_images(tmp_path: Path) -> None:
    folder = layouts.cohen(tmp_path, [*cohen_rows(2), {"patientid": "9", "filename": "l.png", "view": "L", "seed": "3"}])
    assert len(build({COHEN: folder})[0]) == 2
    assert len(build({COHEN: folder}, all_views=True)[0]) == 3


def test_a_hannover_image_in_the_other_collection_is_the_same_patient(tmp_path: Path) -> None:
    cohen = layouts.cohen(
        tmp_path,
        [
            {"patientid": "219", "filename": "b343e657.jpg", "seed": "5"},
            {"patientid": "219", "filename": "other.png", "seed": "6"},
            *cohen_rows(2),
        ],
    )
    hannover = layouts.hannover(tmp_path, [("042f06a9", "b343e657", 7), ("042f06a9", "c9280a30", 8)])
    table, report = build({COHEN: cohen, HANNOVER: hannover})
    joined = table[table["patient"] == f"{HANNOVER}:042f06a9"]
    assert len(joined) == 4
    assert joined["group"].nunique() == 1
    assert joined["split"].nunique() == 1
    assert report.joined_patients == 1


def test_a_darker_recompressed_copy_joins_the_group_of_its_original(tmp_path: Path) -> None:
    cohen = layouts.cohen(tmp_path, cohen_rows(4))
    copies = layouts.hannover(tmp_path, [("p", "copy", 101), ("q", "stranger", 999)], gain=0.8)
    table, report = build({COHEN: cohen, HANNOVER: copies})
    groups = dict(zip(table["path"].map(lambda p: Path(p).stem), table["group"], strict=True))
    assert groups["copy"] == groups["c1"]
    assert groups["stranger"] not in {groups[name] for name in ("c0", "c1", "c2", "c3", "copy")}
    assert report.near_duplicate_pairs == 1


def test_the_manifest_comes_back_as_written_and_the_split_repeats(tmp_path: Path) -> None:
    folder = layouts.cohen(tmp_path, cohen_rows(30))
    table, report = build({COHEN: folder}, seed=3)
    write_manifest(table, report, tmp_path / "m.parquet")
    pd.testing.assert_frame_equal(read_manifest(tmp_path / "m.parquet"), table)
    again, second = build({COHEN: folder}, seed=3)
    assert again["split"].tolist() == table["split"].tolist()
    assert second.data_hash == report.data_hash
    assert build({COHEN: folder}, seed=4)[1].data_hash != report.data_hash


@pytest.mark.parametrize("content", [b"", b"PAR1 but not really"])
def test_a_broken_manifest_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a readable Parquet"):
        read_manifest(path)


def test_a_manifest_without_a_column_names_it(tmp_path: Path) -> None:
    pd.DataFrame({name: [1] for name in COLUMNS if name != "phash"}).to_parquet(tmp_path / "m.parquet")
    with pytest.raises(DataError, match="phash"):
        read_manifest(tmp_path / "m.parquet")


def test_command_line_builds_checks_and_catches_a_planted_leak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = layouts.cohen(tmp_path, cohen_rows(12)), tmp_path / "m.parquet"
    assert main(["data", "build", "--source", f"{COHEN}={folder}", "--out", str(out)]) == 0
    assert main(["data", "check", str(out)]) == 0
    table = read_manifest(out)
    leaked = pd.concat([table, table.head(1).assign(split="test"), table.head(1).assign(split="train")])
    leaked.to_parquet(out)
    assert main(["data", "check", str(out)]) == 1
    assert "patient in two splits" in capsys.readouterr().out
    leakage = check_leakage(leaked)
    assert len(leakage.patients) == 1
    assert leakage.pairs[0][2] == 0


@pytest.mark.parametrize("text", ["nonsense", f"{COHEN}=", f"{COHEN}=/no/such/folder"])
def test_bad_source_arguments(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "build", "--source", text, "--out", str(tmp_path / "m.parquet")]) == 1
    assert "error:" in capsys.readouterr().err


def test_a_data_set_grows_and_no_image_leaves_its_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, grown = tmp_path / "first.parquet", tmp_path / "grown.parquet"
    cohen = ["--source", f"{COHEN}={layouts.cohen(tmp_path, cohen_rows(40))}"]
    assert main(["data", "build", *cohen, "--out", str(first)]) == 0
    before = read_manifest(first).assign(name=lambda rows: rows["path"].map(lambda path: Path(path).stem)).set_index("name")
    trained, tested = (before.index[before["split"] == split][0] for split in ("train", "test"))
    # the copies are of one patient, so they join an image of each split
    copies = [("p", f"copy-{name}", 100 + int(name[1:])) for name in (trained, tested)]
    strangers = [(f"q{number}", f"stranger-{number}", 900 + number) for number in range(30)]
    hannover = ["--source", f"{HANNOVER}={layouts.hannover(tmp_path, [*copies, *strangers], gain=0.8)}"]
    capsys.readouterr()
    assert main(["data", "build", *cohen, *hannover, "--keep-splits", str(first), "--out", str(grown)]) == 0
    assert "earlier manifest: 40; of these moved towards training, because a new image joins them" in capsys.readouterr().out
    after = read_manifest(grown).assign(name=lambda rows: rows["path"].map(lambda path: Path(path).stem)).set_index("name")
    others = before.index.drop(tested)
    assert after.loc[others, "split"].tolist() == before.loc[others, "split"].tolist()
    assert after.loc[[tested, f"copy-{trained}", f"copy-{tested}"], "split"].tolist() == ["train"] * 3
    assert check_leakage(read_manifest(grown)).clean


def test_the_public_images_do_not_leak(real_images: Path) -> None:
    table, report = build({COHEN: real_images / COHEN, HANNOVER: real_images / HANNOVER})
    assert check_leakage(table).clean
    assert report.joined_patients > 10
    assert report.left_out_label[COHEN]["todo"] > 0
    assert not report.broken


def test_the_split_does_not_depend_on_the_order_of_the_sources(tmp_path: Path) -> None:
    own = {name: classes_source(name) for name in ("clinic", "a-clinic")}
    folders = {
        COHEN: layouts.cohen(tmp_path, cohen_rows(20)),
        HANNOVER: layouts.hannover(tmp_path, [(f"h{i}", f"h{i}", 300 + i) for i in range(20)]),
    }
    for place, name in enumerate(own):
        folders[name] = tmp_path / name
        for number in range(12):
            label = ("COVID-19", "Normal")[number % 2]
            layouts.save(folders[name] / label / f"{number}.png", 500 + 100 * place + number)
    first, report = build(folders, own=own)
    second, other = build(dict(reversed(folders.items())), own=own)
    pd.testing.assert_frame_equal(first, second)
    assert report.data_hash == other.data_hash
    assert list(dict.fromkeys(first["source"])) == [COHEN, HANNOVER, "a-clinic", "clinic"]


def test_another_label_in_a_repeated_row_is_reported(tmp_path: Path) -> None:
    rows = cohen_rows(4)
    folder = layouts.cohen(tmp_path, [*rows, rows[0], {**rows[1], "finding": "No Finding"}])
    table, report = build({COHEN: folder})
    assert report.repeated_rows == {COHEN: 2}
    assert report.contradicting_rows == {COHEN: 1}
    assert f"of these with another label than the first row of the image, which counts: {COHEN} 1" in report.lines()
    assert table["label"].tolist() == ["COVID-19"] * 4


@pytest.mark.parametrize(
    ("view", "kept"),
    [
        *((text, True) for text in ("PA", "ap", "AP Supine", "AP erect", "AP_PORTABLE", "postero-anterior", "Frontal (PA)")),
        *((text, False) for text in ("L", "LL", "lateral", "PA + lateral", "axial", "oblique", "")),
    ],
)
def test_a_view_is_frontal_in_any_words_that_say_so(tmp_path: Path, view: str, kept: bool) -> None:
    folder = layouts.cohen(tmp_path, [*cohen_rows(2), {"patientid": "9", "filename": "v.png", "view": view, "seed": "3"}])
    assert len(build({COHEN: folder})[0]) == 2 + kept


@pytest.mark.parametrize(
    "splits", [("train", "test"), ("Train", "Val", "Test"), ("training_set", "test_set"), ("trainval", "Test images")]
)
def test_folders_of_a_split_are_no_classes(tmp_path: Path, splits: tuple[str, ...]) -> None:
    for place, split in enumerate(splits):
        for number in range(4):
            label = ("COVID-19", "Normal")[number % 2]
            layouts.save(tmp_path / "traintest" / split / label / f"{number}.png", 100 * place + number)
    table, _ = build({"own": tmp_path / "traintest"}, own={"own": classes_source("own")})
    assert table["label"].value_counts().to_dict() == {"COVID-19": 2 * len(splits), "Normal": 2 * len(splits)}
    assert table["patient"].nunique() == len(table)
