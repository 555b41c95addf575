"""The size of regions: its coverage on simulated images, sources that break it, and a run that continues."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_models import IMAGE, SIDE, classifier_on, lung_area

from covid_model.api.model import Model
from covid_model.audit import calibrate_region as calibrating
from covid_model.audit import outline
from covid_model.audit.calibrate_region import calibrate_region, lines, summary
from covid_model.errors import DataError
from covid_model.trust.region import STEPS, load_regions


def manifest(count: int, rng: np.random.Generator, *, sources: int = 2) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": np.where(np.arange(count) % 2, "val", "test"),
            "source": [f"source {number % (2 * sources) // 2}" for number in range(count)],
            "patient": [f"p{number}" for number in range(count)],
        }
    )


def test_coverage_is_what_was_promised_and_no_more_than_needed() -> None:
    rng, covered = np.random.default_rng(0), []
    for _ in range(100):
        rows = manifest(400, rng)
        found = summary(rows, np.ceil(rng.beta(2, 5, 400) * 1000) / 1000)
        covered.append(found["coverage"]["value"])
    assert np.mean(covered) == pytest.approx(181 / 201, abs=0.01)  # order statistic 181 of 200
    assert found["calibrated_on"] == 200


def test_a_grid_of_sizes_can_only_keep_more() -> None:
    rng = np.random.default_rng(1)
    covered = [
        summary(manifest(400, rng), np.ceil(rng.beta(2, 5, 400) * STEPS) / STEPS)["coverage"]["value"] for _ in range(30)
    ]
    assert np.mean(covered) >= 0.9


def test_a_source_that_needs_more_breaks_the_promise_and_is_shown_doing_so() -> None:
    rng = np.random.default_rng(2)
    rows = manifest(400, rng, sources=4)
    shares = rng.uniform(0, 0.5, 400)
    shares[rows["source"] == "source 3"] += 0.3
    found = summary(rows, shares)
    assert found["by_source"]["source 3"]["high"] < 0.9
    assert found["by_source"]["source 0"]["low"] >= 0.9
    left = found["left_out"]["source 3"]
    assert left["share"] < found["share"]
    assert left["value"] < found["by_source"]["source 3"]["value"], "worse still without images of its own"


def test_a_few_calibration_images_promise_the_whole_image() -> None:
    rows = manifest(60, np.random.default_rng(3), sources=1)
    kept = (rows["split"] == "test") | (np.arange(60) < 10)
    found = summary(rows[kept], np.full(int(kept.sum()), 0.2))
    assert found["share"] == 1.0
    assert found["coverage"]["value"] == 1.0
    assert found["coverage"]["low"] == 0.025 ** (1 / found["coverage"]["patients"]), "few patients are not all"


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """Images with lungs brighter than the rest by half of them, on 24 of each split."""
    rows = []
    for number in range(48):
        grey = np.random.default_rng(number).integers(20, 60, (IMAGE, IMAGE)).astype(np.uint8)
        grey[lung_area(IMAGE)] += 130 if number % 4 < 2 else 20
        path = tmp_path / f"{number}.png"
        Image.fromarray(grey).save(path)
        split, label = ("val", "test")[number % 2], ("COVID-19", "Normal")[number % 4 // 2]
        rows.append((str(path), "drawn", f"p{number}", label, split, f"{number:032x}" * 2))
    return pd.DataFrame(rows, columns=["path", "source", "patient", "label", "split", "digest"])


def test_a_run_writes_a_size_and_continues(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(classifier_on(lung_area(SIDE)))
    monkeypatch.setattr(type(model.classifier.segmenter), "run", lambda *_: _Outputs(model.classifier.segmenter.find(None)))
    monkeypatch.setattr("covid_model.api.model.require_frontal", lambda *_, **__: None)
    found = calibrate_region(model, table, ["hirescam"], tmp_path / "out", tmp_path)
    (size,) = load_regions("toy", "1" * 64, tmp_path).values()
    assert (size.share, size.level, size.layer) == (found["methods"]["hirescam"]["share"], 0.9, "conv")
    assert size.typical is None, "the toy has no source classifier"
    assert 0 < size.share <= 0.35, "the lungs are 30% of the image"
    assert size.coverage["images"] == 24
    assert load_regions("toy", "2" * 64, tmp_path) == {}
    monkeypatch.setattr(calibrating, "least_share", lambda *_: pytest.fail("measured again"))
    again = calibrate_region(model, table, ["hirescam"], tmp_path / "out", tmp_path)
    assert again["methods"] == found["methods"]
    monkeypatch.setattr(calibrating, "least_share", lambda *_: 0.5)
    both = calibrate_region(model, table, ["saliency"], tmp_path / "out", tmp_path)
    assert both["methods"]["hirescam"] == found["methods"]["hirescam"]
    assert both["methods"]["saliency"]["share"] == 0.5
    assert any(line.startswith("saliency: 50%") for line in lines(both))
    monkeypatch.setattr(outline, "outline_sha256", lambda: "of others")
    assert set(calibrate_region(model, table, ["saliency"], tmp_path / "out", tmp_path)["methods"]) == {"saliency"}
    with pytest.raises(DataError, match="validation and test images"):
        calibrate_region(model, table[table["split"] == "val"], ["hirescam"], tmp_path / "out", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        calibrate_region(model, table, ["hirescam"], tmp_path / "file", tmp_path)


class _Outputs:
    """What the lung network gives, as far as a prediction reads it."""

    def __init__(self, lungs: object) -> None:
        self.lungs = lungs
