"""A user's own images, as folders of classes and as a table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from covid_model.cli.main import main
from covid_model.data.labels import common_label
from covid_model.data.manifest import read_manifest
from covid_model.data.sources import SOURCES
from covid_model.data.user_source import table_columns


def image(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (8, 8), np.uint8)
    Image.fromarray(noise).resize((80, 80)).save(path)
    return path


def built(arguments: list[str], out: Path) -> pd.DataFrame:
    assert main(["data", "build", *arguments, "--out", str(out)]) == 0
    return read_manifest(out)


def test_folders_of_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "own"
    image(root / "COVID" / "one.png", 1)
    image(root / "COVID" / "patient-7" / "a.png", 2)
    image(root / "COVID" / "patient-7" / "b.png", 3)
    image(root / "sick" / "x.png", 4)
    image(root / "Healthy" / "y.png", 5)
    image(root / "knees" / "z.png", 6)
    table = built(["--folder", f"mine={root}", "--label", "sick=Pneumonia"], tmp_path / "m.parquet")
    assert dict(zip(table["path"].map(lambda p: Path(p).name), table["label"], strict=True)) == {
        "one.png": "COVID-19",
        "a.png": "COVID-19",
        "b.png": "COVID-19",
        "x.png": "Pneumonia",
        "y.png": "Normal",
    }
    assert table.loc[table["path"].str.contains("patient-7"), "patient"].unique().tolist() == ["mine:COVID/patient-7"]
    assert (table["view"] == "PA").all()
    assert "left out by label, mine: knees 1" in capsys.readouterr().out


def test_a_table_with_columns_of_any_name(tmp_path: Path) -> None:
    image(tmp_path / "images" / "1.png", 1)
    image(tmp_path / "images" / "2.png", 2)
    (tmp_path / "list.csv").write_text("file,dx,pid,yrs,proj\nimages/1.png,covid-19,A,61,AP\nimages/2.png,normal,B,,\n")
    assert table_columns(tmp_path / "list.csv") == ("file", "dx", "pid", "yrs", "proj")
    columns = ["path=file", "label=dx", "patient=pid", "age=yrs", "view=proj"]
    flags = [part for column in columns for part in ("--column", column)]
    table = built(["--table", f"mine={tmp_path / 'list.csv'}", *flags], tmp_path / "m.parquet")
    rows = table.sort_values("path")[["patient", "label", "view"]].to_numpy().tolist()
    assert rows == [["mine:A", "COVID-19", "AP"], ["mine:B", "Normal", "PA"]]
    assert table.sort_values("path")["age"].tolist()[0] == 61


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "at least one --source"),
        (["--folder", "mine"], "--folder takes NAME=VALUE"),
        (["--folder", "mi ne={root}"], "name has up to 60"),
        (["--folder", "mine={root}", "--label", "sick=Flu"], "Labels are COVID-19"),
        (["--folder", "mine={root}"], "holds no folders"),
        (["--table", "mine={root}/list.csv"], "which column holds the path and the label"),
        (
            ["--table", "mine={root}/list.csv", "--column", "path=a", "--column", "label=b", "--column", "x=a"],
            "Columns can be",
        ),
        (["--table", "mine={root}/list.csv", "--column", "path=a", "--column", "label=b"], "lacks the column"),
        (["--table", "mine={root}/none.csv", "--column", "path=a", "--column", "label=b"], "none.csv"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text("a\n1\n")
    given = [text.replace("{root}", str(tmp_path)) for text in arguments]
    assert main(["data", "build", *given, "--out", str(tmp_path / "m.parquet")]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("COVID-19", "COVID-19"),
        ("Covid_19", "COVID-19"),
        ("No Finding", "Normal"),
        ("Viral Pneumonia", "Pneumonia"),
        ("x", None),
    ],
)
def test_what_people_call_the_labels(name: str, label: str | None) -> None:
    assert common_label(name) == label
    assert "mine" not in SOURCES
