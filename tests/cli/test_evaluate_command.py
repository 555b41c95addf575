"""`evaluate` with a model file, with a key, and with neither."""

from pathlib import Path

import pandas as pd
import pytest
from model_files import saved, small

from covid_model.cli.main import main
from covid_model.evaluation.stored import find_reports, read_report
from covid_model.settings import MODELS, REPORTS


@pytest.fixture
def tested(noisy_manifest: Path, tmp_path: Path) -> str:
    """The noisy manifest with its training images as test images."""
    path = tmp_path / "tested.parquet"
    rows = pd.read_parquet(noisy_manifest)
    rows.assign(split=rows["split"].replace("train", "test")).to_parquet(path)
    return str(path)


def test_a_model_file_is_registered_and_scored(
    tested: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MODELS.variable, str(tmp_path / "models"))
    monkeypatch.setenv(REPORTS.variable, str(tmp_path / "reports"))
    saved(small(), tmp_path / "Mine 1.keras")
    out = tmp_path / "reports" / "mine"
    ways = ["--classes", "COVID-19,Pneumonia,Normal", "--scaling", "byte"]
    assert main(["evaluate", "--model", str(tmp_path / "Mine 1.keras"), "--manifest", tested, "--out", str(out), *ways]) == 0
    report = read_report(out)
    assert report.content["model"] == "mine-1"
    assert report.test["images"] == 14
    assert len(report.predictions) == 20
    assert find_reports()["mine"] == out
    assert (out / "model_card.md").read_text("utf-8").startswith("# Model card: Mine 1\n")
    assert "<h1>Model card: Mine 1</h1>" in (out / "model_card.html").read_text("utf-8")
    printed = capsys.readouterr().out
    assert "--model mine-1" in printed
    value = report.test["scores"]["accuracy"]["value"]
    assert f"{'accuracy':28s} {value:.3f} [" in printed


def test_a_name_of_neither_model_nor_file_names_the_models(
    tested: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--model", "none.keras", "--manifest", tested, "--out", str(tmp_path / "out")]) != 0
    assert "lungs" in capsys.readouterr().err
