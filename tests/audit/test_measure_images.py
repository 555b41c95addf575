"""A whole manifest measured by a model whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_models import SIDE, classifier_on, lung_area

from covid_model.api.model import Model
from covid_model.audit import measure_images as measuring
from covid_model.audit.measure_images import measure_images
from covid_model.backends.base import silent
from covid_model.data.build_report import BuildReport
from covid_model.data.manifest import note_of, second_reads_of, write_manifest
from covid_model.data.similar import embedding_path, similar
from covid_model.engines import engine
from covid_model.errors import DataError
from covid_model.explain.energy import energy_in_mask
from covid_model.images.read import load_image


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    rows = []
    for number in range(12):
        bright = number % 2 == 0
        grey = np.full((128, 128), 40, np.uint8)
        grey[lung_area(128)] = 230 if bright else 45
        grey[0, 0] = number
        Image.fromarray(grey).save(tmp_path / f"{number}.png")
        label = "COVID-19" if number < 8 else "Something else"
        rows.append((str(tmp_path / f"{number}.png"), "drawn", label, "test", f"{number:064x}"))
    return pd.DataFrame(rows, columns=["path", "source", "label", "split", "digest"])


def test_every_image_gets_its_answer_and_place(table: pd.DataFrame, tmp_path: Path) -> None:
    model = Model(classifier_on(lung_area(SIDE), key="lungs"))
    out = tmp_path / "measured.parquet"
    found = measure_images(model, table, out)
    pd.testing.assert_frame_equal(pd.read_parquet(out), found, check_dtype=False)
    assert (found["predicted"] == "COVID-19").tolist() == [number % 2 == 0 for number in range(12)]
    assert found["correct"][:8].tolist() == [number % 2 == 0 for number in range(8)]
    assert found["correct"][8:].isna().all(), "the model does not know this label"
    assert found["attention"][0] > 2 * lung_area(128).mean()
    assert found[["map_x", "map_y"]].notna().all(axis=None)
    features = np.load(embedding_path(out))
    assert features.shape[0] == 12
    similar_images = similar(embedding_path(out), features[0].astype(np.float32), count=5, skip=0)
    assert {place % 2 for place, _ in similar_images} == {0}
    assert not (tmp_path / "measured.parts").exists()


def test_a_measured_manifest_keeps_what_its_build_noted(table: pd.DataFrame, tmp_path: Path) -> None:
    model, before = Model(classifier_on(lung_area(SIDE), key="lungs")), tmp_path / "manifest.parquet"
    write_manifest(table, BuildReport(0, "PA", second_reads=[("Pneumonia", "p1", "Normal")]), before)
    measure_images(model, table, tmp_path / "measured.parquet", note=note_of(before))
    assert second_reads_of(tmp_path / "measured.parquet") == [("Pneumonia", "p1", "Normal")]
    measure_images(model, table, tmp_path / "plain.parquet")
    assert second_reads_of(tmp_path / "plain.parquet") == []


def test_a_map_of_zeros_has_no_share_in_the_lungs(table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(classifier_on(lung_area(SIDE), key="lungs"))
    monkeypatch.setattr(measuring, "energy_in_mask", lambda heatmap, mask: energy_in_mask(0 * heatmap, mask))
    found = measuring.measured(model, load_image(Path(table["path"][0])), {}, silent)
    assert found["attention"] is None
    json.dumps(found, allow_nan=False)  # what a worker sends


def test_it_goes_on_where_it_was_cut_off(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(classifier_on(lung_area(SIDE), key="lungs"))
    monkeypatch.setattr(measuring, "EVERY", 5)
    seen: list[str] = []
    read = engine.load_image

    def counted(path: Path):  # type: ignore[no-untyped-def]
        seen.append(path.name)
        if len(seen) == 8:
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(engine, "load_image", counted)
    with pytest.raises(KeyboardInterrupt):
        measure_images(model, table, tmp_path / "m.parquet")
    before = len(seen)
    assert before < 12
    found = measure_images(model, table, tmp_path / "m.parquet")
    assert len(found) == 12
    again = seen[before:]  # several are read at once
    assert len(again) == 7
    assert set(again) == {f"{number}.png" for number in range(5, 12)}


def test_an_image_that_is_gone_and_a_place_that_cannot_be_written_are_one_sentence(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    model = Model(classifier_on(lung_area(SIDE), key="lungs"))
    (tmp_path / "3.png").unlink()
    with pytest.raises(DataError, match=r"3\.png"):
        measure_images(model, table, tmp_path / "m.parquet")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        measure_images(model, table, tmp_path / "file" / "m.parquet")
