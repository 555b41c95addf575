"""Steps of a recipe beside one another: each change is of the same images, and the page shows it."""

import json
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import ui.evaluate.ablation
from covid_model.cli.main import main
from covid_model.errors import RunError
from covid_model.evaluation.stored import probability_column
from covid_model.training.ablation import ablation, ships
from covid_model.training.cross_validation import PREDICTIONS, RECORD
from covid_model.training.held_out import HIT, NAMED, scores

ROOT = Path(__file__).resolve().parents[2]
COVID, OTHER = probability_column("COVID-19"), probability_column("Not COVID-19")


def cross_validated(folder: Path, covid: list[float], **settings: object) -> Path:
    """The files of a cross-validation of four images, the first two with COVID-19."""
    folder.mkdir()
    labels = ["COVID-19", "COVID-19", "Normal", "Normal"]
    rows = pd.DataFrame(
        {"digest": list("abcd"), "patient": list("abcd"), "source": "here", "label": labels, "fold": "fold-0"}
    )
    rows["class"] = rows["label"].replace("Normal", "Not COVID-19")
    rows = rows.assign(
        **{COVID: covid, OTHER: [1 - share for share in covid], NAMED: "", f"{HIT}boxes": [1.0, 0.0, 1.0, 1.0]}
    )
    rows.to_parquet(folder / PREDICTIONS)
    record = {"settings": settings, "date": "2026-01-02T03:04:05+00:00", "data_hash": "d" * 64, "version": "1"}
    (folder / RECORD).write_text(json.dumps(record | {"scores": scores(rows)}), "utf-8")
    return folder


@pytest.fixture
def steps(tmp_path: Path) -> dict[str, Path]:
    """Two steps; the second ranks every image rightly, the first none."""
    return {
        "before": cross_validated(tmp_path / "one", [0.1, 0.2, 0.8, 0.9], model="lungs", source_prior=0.0),
        "after": cross_validated(tmp_path / "two", [0.9, 0.8, 0.2, 0.1], model="lungs", source_prior=0.02),
    }


def test_each_step_says_what_it_set_and_what_that_changed(steps: dict[str, Path]) -> None:
    before, after = ablation(steps)["steps"]
    assert before["settings"] == {"model": "lungs", "source_prior": 0.0} and before["change"] == {}
    assert after["settings"] == {"source_prior": 0.02}
    assert before["scores"]["auc/here"]["value"] == 0 and after["scores"]["auc/here"]["value"] == 1
    assert after["change"]["auc/here"]["value"] == 1
    assert after["change"]["hit/boxes"] == {"value": 0.0, "low": 0.0, "high": 0.0, "images": 4, "patients": 4}


def test_a_setting_that_the_first_record_is_too_old_to_have_was_at_its_default(
    steps: dict[str, Path], tmp_path: Path
) -> None:
    third = cross_validated(tmp_path / "three", [0.9, 0.2, 0.5, 0.1], model="lungs", source_prior=0.0, guide=1.0, alike=0.0)
    assert ablation({**steps, "third": third})["steps"][-1]["settings"] == {"guide": 1.0}


def test_an_older_record_has_the_scores_of_today_where_its_predictions_are_kept(steps: dict[str, Path]) -> None:
    record = json.loads((steps["after"] / RECORD).read_text("utf-8"))
    (steps["after"] / RECORD).write_text(json.dumps(record | {"scores": {}}), "utf-8")
    assert ablation(steps)["steps"][1]["scores"]["auc/here"]["value"] == 1
    (steps["after"] / PREDICTIONS).unlink()
    assert ablation(steps)["steps"][1]["scores"] == {}


def test_every_step_is_compared_with_the_first(steps: dict[str, Path], tmp_path: Path) -> None:
    third = cross_validated(tmp_path / "three", [0.9, 0.2, 0.5, 0.1], model="lungs", source_prior=0.5)
    *_, last = ablation({**steps, "third": third})["steps"]
    assert last["scores"]["auc/here"]["value"] == 0.75
    assert last["change"]["auc/here"]["value"] == 0.75, "the step before it has 1"
    assert last["settings"] == {"source_prior": 0.5}


def test_a_step_whose_predictions_are_gone_keeps_its_scores(steps: dict[str, Path]) -> None:
    (steps["before"] / PREDICTIONS).unlink()
    before, after = ablation(steps)["steps"]
    assert before["scores"]["auc/here"]["value"] == 0 and after["scores"]["auc/here"]["value"] == 1
    assert after["settings"] == {"source_prior": 0.02}
    assert after["change"] == {}


def test_an_unfinished_cross_validation_is_one_sentence(steps: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no finished cross-validation; run `cross-validate` with this folder first"):
        ablation({**steps, "next": tmp_path})


def test_the_step_whose_settings_a_model_has_is_known(steps: dict[str, Path]) -> None:
    found = ablation(steps)["steps"]
    assert ships(found, {"model": "lungs", "source_prior": 0.02, "guide": 0.0, "log_every": 3}) == [False, True]
    assert ships(found, {"model": "lungs", "source_prior": 0.0}) == [True, False]
    assert ships(found, {"model": "lungs", "source_prior": 0.02, "guide": 1.0}) == [False, False]


def test_the_command_writes_what_the_page_shows(
    steps: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ablation.json"
    assert main(["ablation", *(f"{title}={folder}" for title, folder in steps.items()), "--out", str(file)]) == 0
    assert "auc/here: 1.000 [1.000, 1.000], change +1.000 [+1.000, +1.000]" in capsys.readouterr().out
    monkeypatch.setattr(ui.evaluate.ablation, "SHIPPED", file)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.query_params["part"] = "Training"
    app.run().switch_page("pages/evaluate.py").run()
    assert not app.exception
    app.selectbox(key="ablation_score").select("auc/here").run()
    table = app.dataframe[0].value
    assert table["step"].tolist() == ["before", "after"]
    assert table["value"].tolist() == ["0.000 (0.000 to 0.000)", "1.000 (1.000 to 1.000)"]
    assert table["change"].tolist() == ["", "+1.000 (+1.000 to +1.000)"]
    assert table["settings"].tolist() == ["", "source_prior 0.02"]
    assert "Training" in [tab.label for tab in app.tabs]
    monkeypatch.setattr(ui.evaluate.ablation, "SHIPPED", tmp_path / "none")
    app.run()
    assert not app.exception and "Training" not in [tab.label for tab in app.tabs], "no part without content"


def test_a_step_without_a_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ablation", "title only", "--out", "x.json"]) == 1
    assert "ablation takes NAME=VALUE. Received: 'title only'." in capsys.readouterr().err


def test_no_step_is_lost_to_another_of_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ablation", "same=one", "same=two", "--out", "x.json"]) == 1
    assert "ablation names same twice; give each its own name." in capsys.readouterr().err


def test_every_score_has_words() -> None:
    names = ["auc/adults", "auc/x", "balanced_accuracy", "named", "hit/boxes", "hit/outlines"]
    names += [f"without x/{key}" for key in ("auc", "sensitivity", "auc_inside")]
    assert len({ui.evaluate.ablation.title_of(name) for name in names}) == len(names)
