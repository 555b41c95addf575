"""The Training page driven through AppTest, from the entry script: runs as they are shown, compared and listed."""

from dataclasses import replace
from pathlib import Path

import pytest
from shown import page_text
from training_page import opened, recorded

from covid_model.training.config import TrainConfig
from covid_model.training.history import map_epochs, read_maps
from covid_model.training.run_folder import RunFolder, state_of
from ui.models.cards import card_of
from ui.training.runs import available_runs


def test_a_run_is_shown_with_state_curve_matrix_and_maps(runs: Path) -> None:
    recorded(runs, "first")
    app = opened("training", run="first")
    assert app.subheader[0].value == "first"
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Best epoch"] == "2"
    assert shown["Validation accuracy"] == "80.0%"
    assert len(app.get("plotly_chart")) == 2
    assert len(app.image) == 2
    app.slider(key="map_epoch").set_value(1).run()
    app.selectbox(key="metric").set_value("attention_in_lungs").run()
    app.selectbox(key="axis").set_value("wall time").run()
    assert not app.exception


def test_a_link_to_a_run_that_is_gone_says_so_and_shows_no_other(runs: Path) -> None:
    recorded(runs, "first")
    app = opened("training", run="gone")
    assert [error.value for error in app.error] == [
        "This link names the run “gone”, which is not available here; choose another run."
    ]
    assert not app.subheader
    assert not app.metric
    app.selectbox(key="run_choice").set_value("recorded: lungs").run()
    assert not app.error
    assert app.subheader[0].value == "lungs"
    assert app.query_params["run"] == "recorded: lungs"


def test_runs_are_compared_with_what_differs(runs: Path) -> None:
    recorded(runs, "first")
    recorded(runs, "second", seed=5)
    app = opened("training", run="first")
    app.multiselect(key="others").set_value(["second"]).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["setting"].tolist() == ["seed"]


def test_a_dead_run_says_so_and_is_deleted_only_when_sure(runs: Path) -> None:
    run = recorded(runs, "dead", state="training")
    app = opened("training", run="dead")
    assert any("The process has ended" in box.value for box in app.warning)
    assert app.button(key="delete").disabled
    app.checkbox(key="sure").check().run()
    app.button(key="delete").click().run()
    assert not run.path.exists()
    assert not app.exception
    assert not app.error, "another run is shown, though the link named the deleted one"


def test_a_run_without_classes_is_shown_too(runs: Path) -> None:
    run = RunFolder(runs / "lung-network")
    run.create({"model": "lung-network"})
    run.append({"kind": "step", "step": 1, "epoch": 0.5, "time": 1.0, "loss": 0.5, "images_per_second": 9.0})
    run.append({"kind": "epoch", "epoch": 1, "step": 2, "time": 2.0, "loss": 0.5, "val_loss": 0.4})
    run.set_status("finished", epoch=1, epochs=1)
    app = opened("training", run="lung-network")
    assert {metric.label: metric.value for metric in app.metric}["Best epoch"] == "1"
    app.selectbox(key="metric").set_value("accuracy").run()
    assert not app.exception


@pytest.mark.parametrize("name", ["lungs", "whole-image", "anshul"])
def test_recorded_runs_ship_with_drawn_images_only(name: str, runs: Path) -> None:
    run = available_runs()[f"recorded: {name}"]
    assert state_of(run) == "finished"
    for path in map_epochs(run).values():
        assert read_maps(path)["drawn"].all()
    app = opened("training", run=f"recorded: {name}")
    text = "\n".join(caption.value for caption in app.caption)
    assert "A recorded run that ships with the project, settings and images as for the shipped weights." in text
    assert "manifest" not in run.config(), "paths of a machine do not ship"
    assert len(app.image) == 3


def test_a_recorded_run_of_other_settings_says_so(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = card_of("lungs")
    other = {**shipped.training, "settings": {**shipped.training["settings"], "seed": 7}}
    monkeypatch.setattr("ui.training.controls.card_of", lambda _: replace(shipped, training=other))
    text = "\n".join(caption.value for caption in opened("training", run="recorded: lungs").caption)
    assert "settings and images other than for the shipped weights" in text


def test_preparation_is_counted_in_place_of_an_empty_chart(runs: Path) -> None:
    run = RunFolder(runs / "early")
    run.create(TrainConfig("anshul", init="random").as_dict())
    lock = run.claim()
    assert lock is not None
    run.set_status("starting", prepared=120, to_prepare=465)
    app = opened("training", run="early")
    assert [bar.proto.text for bar in app.get("progress")] == ["Preparing images: 120 of 465"]
    assert not app.get("plotly_chart")
    assert "stop" in [button.key for button in app.button]
    assert "processors" in page_text(app)
    lock.release()


def test_runs_are_in_a_table_with_scores_and_what_differs_and_it_is_filtered(runs: Path) -> None:
    recorded(runs, "first")
    recorded(runs, "second", seed=5, learning_rate=0.01)
    app = opened("training", run="first")
    table = app.dataframe[-1].value.set_index("run")
    assert table.loc["second", ["state", "epochs done", "best epoch", "loss", "seed", "learning rate"]].tolist() == [
        "finished", 2, 2, pytest.approx(0.5), "5", "0.01"]  # fmt: skip
    assert {"recorded: lungs", "recorded: whole-image"} <= set(table.index)
    assert 0.8 < table.loc["recorded: lungs", "AUC"] < 1
    app.text_input(key="runs_search").set_value("anshul second").run()
    assert app.dataframe[-1].value["run"].tolist() == ["second"]
    app.text_input(key="runs_search").set_value("").run()
    app.multiselect(key="runs_models").set_value(["lungs"]).run()
    assert app.dataframe[-1].value["run"].tolist() == ["recorded: lungs"]


def test_the_log_of_a_run_is_shown_as_it_is(runs: Path) -> None:
    recorded(runs, "logged")
    (runs / "logged.log").write_text("progress: preparing images: 3 of 9\n**not bold**\n")
    app = opened("training", run="logged")
    assert app.code[0].value == "progress: preparing images: 3 of 9\n**not bold**"
    (runs / "logged" / "log.txt").write_text("resumed")
    assert opened("training", run="logged").code[0].value == "resumed"
