"""A function over many images gives the same on threads of this process and by processes; chunks come whole and in order."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from covid_model.api.load import load_model
from covid_model.api.model import Model
from covid_model.audit.image_outputs import outputs_by
from covid_model.audit.measure_images import measure_images, measured
from covid_model.cli.main import main
from covid_model.data.manifest import COLUMNS
from covid_model.engines.engine import found_on, in_chunks
from covid_model.engines.work import Row
from covid_model.errors import DataError
from covid_model.evaluation.outputs import image_outputs
from covid_model.images.phantom import PHANTOMS, phantom_png


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """A manifest of every phantom."""
    rows = []
    for number, (name, phantom) in enumerate(sorted(PHANTOMS.items())):
        path = tmp_path / f"{name}.png"
        path.write_bytes(phantom_png(phantom))
        label = ("COVID-19", "Pneumonia", "Normal")[number % 3]
        known = {"path": str(path), "source": "drawn", "patient": f"p{number}", "group": f"g{number}", "label": label}
        rows.append(dict.fromkeys(COLUMNS, "") | known | {"split": "test", "digest": f"{number:064x}", "age": np.nan})
    return pd.DataFrame(rows)


def test_measuring_by_processes_gives_what_threads_give(model: Model, table: pd.DataFrame, tmp_path: Path) -> None:
    here = measure_images(model, table, tmp_path / "here.parquet")
    there = measure_images(model, table, tmp_path / "there.parquet", partial(found_on, engine="local", workers=1))
    numbers = here.select_dtypes("number").columns.difference(["map_x", "map_y"])
    np.testing.assert_allclose(there[numbers].to_numpy(float), here[numbers].to_numpy(float), rtol=1e-4, atol=1e-5)
    same = ["path", "predicted", "correct", "lungs", "model", "weights"]
    pd.testing.assert_frame_equal(there[same], here[same])


def test_outputs_by_processes_are_those_of_a_report(model: Model, table: pd.DataFrame) -> None:
    logits, features = image_outputs(model.classifier, table)
    by_logits, by_features = outputs_by(partial(found_on, engine="local", workers=1), model.classifier, table)
    np.testing.assert_allclose(by_logits, logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(by_features.astype(float), features.astype(float), atol=2e-3)
    assert (by_logits.dtype, by_features.dtype) == (logits.dtype, features.dtype)


@pytest.mark.parametrize("engine", [None, "local"])
def test_an_image_that_cannot_be_used_is_named(
    model: Model, table: pd.DataFrame, tmp_path: Path, engine: str | None
) -> None:
    paths = [table["path"][0], str(tmp_path / "gone.png")]
    found = found_on(model, measured, paths, None, engine, 1 if engine else None)
    with pytest.raises(DataError, match=r"gone\.png cannot be used: There is no file"):
        list(found)


def test_chunks_are_whole_and_in_order_whatever_the_order_of_rows() -> None:
    paths = list("dbacef")

    def found() -> Iterator[tuple[str, Row]]:
        yield from ((path, {"is": path}) for path in paths)

    chunks = [["a", "b"], ["c", "a", "d"], ["e", "f"]]
    assert [[row["is"] for row in rows] for rows in in_chunks(found(), chunks)] == chunks


def test_a_report_by_processes_through_the_command(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_parquet(tmp_path / "m.parquet")
    flags = ["--manifest", str(tmp_path / "m.parquet"), "--model", "lungs", "--heatmaps"]
    assert main(["evaluate", *flags, "--out", str(tmp_path / "here")]) == 0
    assert main(["evaluate", *flags, "--out", str(tmp_path / "there"), "--engine", "local", "--workers", "1"]) == 0
    here, there = (pd.read_parquet(tmp_path / name / "predictions.parquet") for name in ("here", "there"))
    pd.testing.assert_frame_equal(there, here, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--workers", "2"], "--workers belongs to --engine; choose local or ray"),
        (["--engine", "local", "--workers", "0"], "at least 1. Received: 0"),
        (["--engine", "local", "--weights", "run"], "`register` the run"),
    ],
)
def test_flags_that_do_not_fit_are_one_sentence(
    flags: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--manifest", "m.parquet", "--model", "lungs", "--out", str(tmp_path), *flags]) == 1
    assert words in capsys.readouterr().err
