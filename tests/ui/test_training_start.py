"""Starting, resuming, ending and deleting runs from the Training page."""

import time
from pathlib import Path

import pytest
from shown import page_text
from training_page import ROOT, opened, recorded

from covid_model.data.demo import TRUTH
from covid_model.errors import RunError
from covid_model.files import write_json
from covid_model.training.process import delete, end, launch, why_not_here
from covid_model.training.recipes import get_recipe
from covid_model.training.run_folder import RunFolder, state_of
from ui.training.run_form import checked


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


def test_a_run_at_work_is_not_deleted(runs: Path) -> None:
    run = recorded(runs, "busy", state="training")
    lock = run.claim()
    assert lock is not None
    assert state_of(run) == "starting"
    with pytest.raises(RunError, match="still training"):
        delete(run)
    lock.release()


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
    config = get_recipe("lungs").config
    layers = f"all but the first {config.frozen:.0%} of the layers"
    assert f"{config.all_epochs} epochs: 2 of the last layer, then {config.epochs} of {layers}." in page_text(app)
    app.number_input(key="train_head_lungs").set_value(0).run()
    assert f"It runs {config.epochs} epochs, all of {layers}." in page_text(app)
    app.button(key="train_start").click().run()
    flags = dict(zip(started[0][::2], started[0][1::2], strict=True))
    assert (flags["--epochs"], flags["--head-epochs"], flags["--manifest"]) == (
        str(config.epochs),
        "0",
        str(tmp_path / "mine.parquet"),
    )


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
