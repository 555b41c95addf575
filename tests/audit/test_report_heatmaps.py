"""Mean heatmaps of a report by a model whose evidence is known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_models import SIDE, classifier_on, lung_area

from covid_model.api.model import Model
from covid_model.api.result import Result
from covid_model.audit import report_heatmaps
from covid_model.audit.report_heatmaps import add_heatmaps
from covid_model.engines import engine
from covid_model.errors import DataError
from covid_model.evaluation.report import evaluate
from covid_model.evaluation.stored import StoredReport, read_report
from covid_model.trust.verdict import Verdict


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """Six images of two sources, every second with bright lungs."""
    rows = []
    for number in range(6):
        grey = np.random.default_rng(number).integers(20, 60, (128, 128)).astype(np.uint8)
        grey[lung_area(128)] = 200 + 8 * number if number % 2 else 45
        path = tmp_path / f"{number}.png"
        Image.fromarray(grey).save(path)
        label = "COVID-19" if number % 2 else "Normal"
        rows.append((str(path), ("one", "two")[number // 3], f"p{number}", label, "test", f"{number:064x}", 50.0))
    return pd.DataFrame(rows, columns=["path", "source", "patient", "label", "split", "digest", "age"])


@pytest.fixture
def model() -> Model:
    return Model(classifier_on(lung_area(SIDE), key="lungs"))


@pytest.fixture
def report(table: pd.DataFrame, model: Model, tmp_path: Path) -> StoredReport:
    evaluate(model.classifier, table, tmp_path / "out")
    return read_report(tmp_path / "out")


def test_the_mean_heatmap_is_where_the_evidence_is(
    table: pd.DataFrame, model: Model, report: StoredReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings = np.load(report.folder / "embeddings.npy")
    assert report.predictions["embedding"].tolist() == list(range(len(embeddings)))
    monkeypatch.setattr(report_heatmaps, "EVERY", 4)
    monkeypatch.setattr(report_heatmaps, "TIMED", 2)
    said: list[str] = []
    found = add_heatmaps(model, table, report, say=said.append)
    assert found == json.loads((report.folder / "heatmaps.json").read_text()) == read_report(report.folder).heatmaps
    assert said == ["about 0 minutes for 6 images"]
    sick = found["cells"]["0-0"]
    assert sick["images"] == 3
    share, lungs = np.array(sick["map"]), np.array(sick["lungs"])
    assert share.mean() == pytest.approx(100, abs=1), "100% is evenly spread"
    assert share[lungs == 100].mean() > 2 * share[lungs == 0].mean()
    assert sick["attention"]["value"] > 0.6
    assert {name: cells["images"] for name, cells in found["sources"].items()} == {"one": 3, "two": 3}
    rows = read_report(report.folder).predictions
    known = rows["attention"].dropna()
    assert known.iloc[0] == pytest.approx(sick["attention"]["value"], abs=0.05)
    assert "verdict" not in rows
    assert not (report.folder / "heatmaps.parts").exists()


def test_verdicts_are_added_on_request_and_an_interrupted_call_continues(
    table: pd.DataFrame, model: Model, report: StoredReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_heatmaps, "EVERY", 2)
    judged: list[str] = []

    def verdict(result: Result, progress: object) -> Verdict:
        if len(judged) == 3:
            raise KeyboardInterrupt
        judged.append(result.image.digest)
        return Verdict("supported" if result.predicted == "COVID-19" else "withheld", "")

    monkeypatch.setattr(Result, "verdict", verdict)
    monkeypatch.setattr(engine, "in_order", lambda work, items: (work(item, None) for item in items))
    with pytest.raises(KeyboardInterrupt):
        add_heatmaps(model, table, report, verdicts=True)
    first = judged[:2]
    judged.clear()
    monkeypatch.setattr(
        Result, "verdict", lambda result, _: (judged.append(result.image.digest), Verdict("withheld", ""))[1]
    )
    add_heatmaps(model, table, report, verdicts=True)
    assert len(judged) == 4
    assert not set(first) & set(judged), "what was finished is not judged again"
    words = read_report(report.folder).predictions["verdict"]
    assert words.tolist()[2:] == ["withheld"] * 4
    assert "supported" in words.tolist()[:2]


def test_a_report_of_other_weights_or_images_is_refused(table: pd.DataFrame, model: Model, report: StoredReport) -> None:
    with pytest.raises(DataError, match="lacks 2 of the report's 6 test images"):
        add_heatmaps(model, table.head(4), report)
    report.content["weights_sha256"] = "of others"
    with pytest.raises(DataError, match="about other weights"):
        add_heatmaps(model, table, report)
