"""The Training and Models pages driven through AppTest, from the entry script."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from shown import page_text
from streamlit.testing.v1 import AppTest

from covid_model.data.demo import TRUTH
from covid_model.errors import RunError
from covid_model.files import write_json
from covid_model.models.specs import MODELS
from covid_model.models.user_models import available_models
from covid_model.training.config import TrainConfig
from covid_model.training.history import map_epochs, read_maps
from covid_model.training.process import delete, end, launch, why_not_here
from covid_model.training.run_folder import RunFolder, state_of
from ui.training.run_form import checked
from ui.training.runs import available_runs

ROOT = Path(__file__).resolve().parents[2]


def recorded(folder: Path, name: str, state: str = "finished", **config: object) -> RunFolder:
    """A run of two epochs as a trainer would have left it; nobody trains it."""
    run = RunFolder(folder / name)
    run.create(TrainConfig("anshul", init="random", **config).as_dict())  # type: ignore[arg-type]
    run.set_status(state, epochs=2, epoch=2)
    for step in range(1, 21):
        line = {"kind": "step", "step": step, "epoch": step / 10, "time": 1000.0 + step, "loss": 1 / step, "accuracy": 0.5}
        run.append({**line, "learning_rate": 1e-3, "images_per_second": 50.0, "memory_mb": 900.0, "eta_s": 60.0})
    for epoch in (1, 2):
        line = {
            "kind": "epoch",
            "epoch": epoch,
            "step": 10 * epoch,
            "time": 1000.0 + 10 * epoch,
            "loss": 0.5,
            "accuracy": 0.6,
        }
        matrix = [[3, 1], [0, 4]]
        run.append(
            {**line, "val_loss": 0.7 - 0.1 * epoch, "val_accuracy": 0.8, "confusion": matrix, "attention_in_lungs": 0.3}
        )
        np.savez(
            run.path / "maps" / f"epoch-{epoch:03d}.npz",
            maps=np.random.default_rng(epoch).random((2, 10, 10)).astype(np.float16),
            inputs=np.full((2, 100, 100), 90, np.uint8),
            label=np.array([1, 0]),
            lungs=np.zeros((2, 100, 100), bool),
            drawn=np.array([True, False]),
        )
    return run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COVID_XRAY_RUNS", str(tmp_path))
    return tmp_path


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.run()
    app.switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


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


def test_a_form_with_a_wrong_manifest_starts_nothing(runs: Path) -> None:
    app = opened("training")
    if why_not_here() is not None:
        pytest.skip("this host is too small to train on")
    app.button(key="new_run").click().run()
    app.text_input(key="train_manifest").set_value("nowhere.parquet")
    app.button(key="train_start").click().run()
    assert any("no manifest at nowhere.parquet" in box.value for box in app.error)
    assert not list(runs.iterdir())


def test_a_public_copy_explains_itself(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_PUBLIC", "1")
    app = opened("training")
    assert any("public copy" in box.value for box in app.info)
    assert not {"new_run", "demo_draw"} & {button.key for button in app.button}


@pytest.mark.parametrize("name", ["../out", "", "a b", "x" * 61])
def test_names_of_runs_cannot_leave_their_folder(runs: Path, name: str) -> None:
    with pytest.raises(RunError, match="letters, digits"):
        checked(ROOT / "README.md", name)


def test_a_process_outlives_its_starter_and_its_log_tells_what_went_wrong(runs: Path) -> None:
    run = RunFolder(runs / "wrong")
    launched = launch(["--model", "anshul", "--manifest", str(runs / "none.parquet"), "--run", str(run.path)], run)
    for _ in range(120):
        if (why := launched.failure()) is not None:
            break
        time.sleep(0.5)
    assert why is not None and "none.parquet" in why
    assert "none.parquet" in run.path.with_suffix(".log").read_text()
    assert not launched.has_begun()
    gone = recorded(runs, "gone", state="training")  # the number of this very process, which does not train it
    with pytest.raises(RunError, match="No process"):
        end(gone)


def test_resume_says_why_it_cannot_go_on(runs: Path) -> None:
    if why_not_here() is not None:
        pytest.skip("this host is too small to train on")
    recorded(runs, "stopped", state="stopped")
    app = opened("training", run="stopped")
    app.button(key="resume").click().run()
    assert not app.exception
    assert any("stopped is starting" in box.value for box in app.info)
    for _ in range(120):
        if app.error:
            break
        time.sleep(0.5)
        app.run()
    assert "stopped did not start. stopped does not say which manifest it began with" in app.error[0].value


def test_a_public_copy_says_that_it_cannot_resume(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVID_XRAY_PUBLIC", "1")
    recorded(runs, "stopped", state="stopped")
    app = opened("training", run="stopped")
    assert any("cannot be resumed here. This is a public copy" in caption.value for caption in app.caption)
    assert not [button for button in app.button if button.key == "resume"]


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


def test_a_run_at_work_is_not_deleted(runs: Path) -> None:
    run = recorded(runs, "busy", state="training")
    lock = run.claim()
    assert lock is not None
    assert state_of(run) == "starting"
    with pytest.raises(RunError, match="still training"):
        delete(run)
    lock.release()


def test_the_models_page_shows_every_model_with_both_scores_and_the_reason() -> None:
    app = opened("models")
    assert not app.error
    text = "\n".join(str(element.value) for element in (*app.markdown, *app.caption))
    table = app.dataframe[0].value
    assert table["model"].tolist() == list(available_models().values())
    for key, title in available_models().items():
        assert f"**{title}**" in text
        assert (table.loc[table["model"] == title, "its author claimed"] == (MODELS[key].claimed or "")).all()
    assert "recognising age is enough" in text
    assert text.count("never a diagnosis") == 0, "the notice above every page says it"
    assert "304 training images, 10 epochs, batch 32, Adam at 0.001" in text
    assert json.dumps(table["AUC, patients apart"].tolist()).count("not measured") == 0


@pytest.mark.parametrize("name", ["lungs", "whole-image", "anshul"])
def test_recorded_runs_ship_with_drawn_images_only(name: str, runs: Path) -> None:
    run = available_runs()[f"recorded: {name}"]
    assert state_of(run) == "finished"
    for path in map_epochs(run).values():
        assert read_maps(path)["drawn"].all()
    app = opened("training", run=f"recorded: {name}")
    assert "A recorded run" in "\n".join(caption.value for caption in app.caption)
    assert len(app.image) == 3


def test_the_form_honours_the_setting_and_says_the_epochs_as_they_will_run(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why_not_here() is not None:
        pytest.skip("this host is too small to train on")
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "mine.parquet"))
    started = []
    monkeypatch.setattr("ui.training.run_form.launch", lambda arguments, run: started.append(arguments) or run)
    monkeypatch.setattr("ui.training.run_form.await_run", lambda launched: None)
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    app = opened("training")
    app.button(key="new_run").click().run()
    assert app.text_input(key="train_manifest").value == str(tmp_path / "mine.parquet")
    assert app.selectbox(key="train_model").value == "lungs"
    config = TrainConfig("lungs", epochs=16)
    assert f"{config.all_epochs} epochs: 2 of the last layer, then 16" in page_text(app)
    app.number_input(key="train_head_lungs").set_value(0).run()
    assert "It runs 16 epochs, all of the whole network." in page_text(app)
    app.button(key="train_start").click().run()
    flags = dict(zip(started[0][::2], started[0][1::2], strict=True))
    assert (flags["--epochs"], flags["--head-epochs"], flags["--manifest"]) == ("16", "0", str(tmp_path / "mine.parquet"))


def test_a_demo_set_is_offered_and_its_small_network_preselected(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why_not_here() is not None:
        pytest.skip("this host is too small to train on")
    monkeypatch.setenv("COVID_XRAY_MANIFEST", str(tmp_path / "set" / "manifest.parquet"))
    app = opened("training")
    assert app.button(key="demo_draw").label == "Draw a demo data set"
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "manifest.parquet").write_bytes(b"PAR1")
    (tmp_path / "set" / TRUTH).write_text("{}")
    app = opened("training")
    assert "demo_draw" not in [button.key for button in app.button]
    app.button(key="new_run").click().run()
    assert app.selectbox(key="train_model").value == "small-cnn"
    assert "20 epochs, all of the whole network" in page_text(app)


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


@pytest.mark.parametrize(
    ("state", "config", "why"),
    [
        ("finished", {}, "It is finished: all its epochs are done"),
        ("stopped", {"manifest": "/gone/manifest.parquet"}, "Its manifest is no longer at /gone/manifest.parquet"),
    ],
)
def test_resume_says_why_not(runs: Path, state: str, config: dict, why: str) -> None:
    run = recorded(runs, "one", state=state)
    write_json(run.path / "config.json", run.config() | config)
    app = opened("training", run="one")
    assert why in page_text(app)
    assert not [button for button in app.button if button.key == "resume" and not button.disabled]


def test_the_log_of_a_run_is_shown_as_it_is(runs: Path) -> None:
    recorded(runs, "logged")
    (runs / "logged.log").write_text("progress: preparing images: 3 of 9\n**not bold**\n")
    app = opened("training", run="logged")
    assert app.code[0].value == "progress: preparing images: 3 of 9\n**not bold**"
    (runs / "logged" / "log.txt").write_text("resumed")
    assert opened("training", run="logged").code[0].value == "resumed"


def test_the_models_page_shows_claimed_against_honest_and_other_splits_on_demand() -> None:
    app = opened("models")
    (chart,) = app.get("plotly_chart")
    lines = {line["name"]: line["y"] for line in json.loads(chart.proto.spec)["data"]}
    assert set(lines) == set(available_models().values())
    claimed, honest = lines[MODELS["interpretable-cnn"].title]
    assert claimed > 0.95
    assert honest < 0.4
    app.get("button_group")[0].set_value("patients apart").run()
    assert not app.exception
    (chart,) = app.get("plotly_chart")
    again = {line["name"]: line["y"] for line in json.loads(chart.proto.spec)["data"]}
    assert again[MODELS["lungs"].title][1] > again[MODELS["lungs"].title][0]
    app.toggle(key="all_splits").set_value(True).run()
    assert len(app.get("plotly_chart")) == 2
