"""Runs that are killed, cut short, claimed twice, or cannot begin: bit-equal afterwards, or one sentence."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
from small_runs import CONFIG, lines, segmenter

from covid_model.data.manifest import data_hash, read_manifest
from covid_model.errors import CovidModelError, RunError
from covid_model.training import classifier
from covid_model.training.checkpoint import LAST, read_state
from covid_model.training.classifier import ClassifierTask
from covid_model.training.initial_weights import best_network
from covid_model.training.process import delete
from covid_model.training.run_folder import RunFolder, state_of
from covid_model.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def whole(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trainer[ClassifierTask]:
    """A run that nothing interrupted."""
    trainer = classifier.start(RunFolder(tmp_path_factory.mktemp("whole") / "run"), CONFIG, table, segmenter())
    assert trainer.train() == "finished"
    return trainer


def same_bits(one: Trainer[ClassifierTask], other: Trainer[ClassifierTask]) -> None:
    for networks in ((one.task.network, other.task.network), (one.task.averaged, other.task.averaged)):
        for first, second in zip(*(network.get_weights() for network in networks), strict=True):
            np.testing.assert_array_equal(first, second)
    for first, second in zip(one.optimiser.variables, other.optimiser.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
    assert [line["loss"] for line in lines(one.run, "step")] == [line["loss"] for line in lines(other.run, "step")]


def killed_at(step: int, trainer: Trainer[ClassifierTask], monkeypatch: pytest.MonkeyPatch) -> None:
    """Train until just before this step, from 1."""
    seen: list[int] = []

    def kill(self: RunFolder) -> bool:
        seen.append(1)
        if len(seen) == step:
            raise KeyboardInterrupt
        return False

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "asked_to_stop", kill)
        with pytest.raises(KeyboardInterrupt):
            trainer.train()


def test_a_killed_run_goes_on_bit_for_bit(
    table: pd.DataFrame, tmp_path: Path, whole: Trainer[ClassifierTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "cut")
    killed_at(8, classifier.start(run, CONFIG, table, segmenter()), monkeypatch)  # in the middle of the third epoch
    assert state_of(run) == "interrupted"
    again = classifier.resume(run, table, segmenter())
    assert (again.progress.epoch, again.progress.step) == (2, 6)
    assert again.train() == "finished"
    assert again.progress.step == whole.progress.step == 9
    same_bits(whole, again)
    assert [line["step"] for line in lines(run, "step")] == list(range(1, 10)), "no step is recorded twice"


def test_a_run_without_a_checkpoint_starts_over_in_its_folder(
    table: pd.DataFrame, tmp_path: Path, whole: Trainer[ClassifierTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "early")
    killed_at(2, classifier.start(run, CONFIG, table, segmenter()), monkeypatch)
    assert len(lines(run, "step")) == 1
    again = classifier.resume(run, table, segmenter())
    assert (again.progress.epoch, again.progress.step) == (0, 0)
    assert again.train() == "finished"
    same_bits(whole, again)


@pytest.mark.parametrize("share", [0.0, 0.5], ids=["empty", "truncated"])
def test_an_unreadable_checkpoint_falls_back_to_the_one_before(
    share: float, table: pd.DataFrame, tmp_path: Path, whole: Trainer[ClassifierTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "cut")
    killed_at(8, classifier.start(run, CONFIG, table, segmenter()), monkeypatch)
    last = run.checkpoints / LAST
    last.write_bytes(last.read_bytes()[: round(share * last.stat().st_size)])
    again = classifier.resume(run, table, segmenter())
    assert (again.progress.epoch, again.progress.step) == (1, 3)
    assert again.train() == "finished"
    same_bits(whole, again)


def test_a_run_stops_when_asked(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    training = classifier.start(run, CONFIG, table, segmenter())
    run.ask_to_stop()
    assert training.train() == "stopped"
    assert "resume" in run.status()["reason"]
    assert training.progress.step == 1


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    training = classifier.start(run, CONFIG, table, segmenter())
    finish = training._finish_epoch

    def spoil(*parts: float) -> None:
        finish(*parts)
        logits = training.task.network.get_layer("logits")
        logits.set_weights([np.full((8, 1), np.nan, np.float32), np.zeros(1, np.float32)])

    training._finish_epoch = spoil  # type: ignore[method-assign]
    assert training.train() == "failed"
    assert "nan" in run.status()["reason"]
    assert np.isfinite(best_network(run).get_layer("logits").get_weights()[0]).all()


def test_one_run_has_one_trainer(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    first = classifier.start(run, CONFIG, table, segmenter())
    with pytest.raises(RunError, match="already holds a run"):
        classifier.start(run, CONFIG, table, segmenter())
    with pytest.raises(RunError, match=f"Process {os.getpid()} is already training"):
        classifier.resume(run, table, segmenter())
    first.close()
    classifier.resume(run, table, segmenter()).close()


CLAIM = """
import sys, time
from pathlib import Path
from covid_model.training.run_folder import RunFolder
lock = RunFolder(Path(sys.argv[1])).claim()
print("claimed", flush=True)
time.sleep(120)
"""


def test_a_living_run_is_known_whatever_the_clock_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder(tmp_path / "run")
    run.create({})
    with subprocess.Popen([sys.executable, "-c", CLAIM, str(run.path)], stdout=subprocess.PIPE, cwd=ROOT) as trainer:
        assert trainer.stdout is not None
        assert trainer.stdout.readline().strip() == b"claimed"
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: 0.0)
        assert run.is_alive()
        assert state_of(run) == "starting"
        with pytest.raises(RunError, match=f"Process {trainer.pid} is already training"):
            run.claim()
        with pytest.raises(RunError, match="still training"):
            delete(run)
        trainer.kill()
        trainer.wait()
    assert state_of(run) == "interrupted"
    lock = run.claim()
    assert lock is not None
    lock.release()


def test_other_data_and_damaged_checkpoints_are_one_sentence(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    classifier.start(run, CONFIG, table, segmenter()).close()
    with pytest.raises(RunError, match=r"manifest has changed since run began \(24 images then, 23 now\)"):
        classifier.resume(run, table.iloc[:-1], segmenter())
    with pytest.raises(RunError, match="other labels, splits or images"):
        classifier.resume(run, table.assign(digest="0"), segmenter())
    (run.checkpoints / LAST).write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"last\.npz is damaged; delete it and resume"):
        classifier.resume(run, table, segmenter())
    assert not run.is_alive(), "a failed resume gives the folder back"
    with pytest.raises(RunError, match="no readable run"):
        classifier.resume(RunFolder(tmp_path / "none"), table, segmenter())


def test_a_run_knows_its_manifest(noisy_manifest: Path, tmp_path: Path) -> None:
    table, run = read_manifest(noisy_manifest), RunFolder(tmp_path / "run")
    moved = tmp_path / "moved.parquet"
    moved.write_bytes(noisy_manifest.read_bytes())
    config = replace(CONFIG, model="whole-image")
    classifier.start(run, config, table, segmenter(), manifest=moved).close()
    assert data_hash(classifier.stored_table(run)) == data_hash(table)
    moved.unlink()
    with pytest.raises(RunError, match=r"moved\.parquet, the manifest that run began with, cannot be read"):
        classifier.stored_table(run)
    assert data_hash(classifier.stored_table(run, noisy_manifest)) == data_hash(table)


@pytest.mark.parametrize(("split", "name"), [("train", "train"), ("val", "validation")])
def test_a_class_without_images_is_named_before_anything_is_written(
    split: str, name: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    one_class = table[(table["split"] != split) | (table["label"] == "COVID-19")]
    with pytest.raises(RunError, match=rf"The {name} split has no image of class .* \(images found: \d of "):
        classifier.start(RunFolder(tmp_path / "run"), CONFIG, one_class, segmenter())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_full_or_closed_is_named_before_anything_is_trained(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"run folder .* cannot be written"):
        classifier.start(RunFolder(tmp_path / "file" / "run"), CONFIG, table, segmenter())
    run = RunFolder(tmp_path / "run")
    trainer = classifier.start(run, CONFIG, table, segmenter())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(RunError, match=r"need \d+ MB, but .* has 0 MB free"):
        trainer.train()
    assert state_of(run) == "failed"
    assert not run.metrics_size()


def test_a_missing_image_is_named_before_anything_is_trained(table: pd.DataFrame, tmp_path: Path) -> None:
    gone = table.assign(path=table["path"].where(table.index != 0, str(tmp_path / "gone.png")))
    training = classifier.start(RunFolder(tmp_path / "run"), CONFIG, gone, segmenter())
    with pytest.raises(CovidModelError, match=r"gone\.png"):
        training.train()
    assert "gone.png" in training.run.status()["reason"]
    assert not training.run.metrics_size()


def test_a_full_disk_ends_the_run_with_one_sentence(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    training = classifier.start(run, CONFIG, table, segmenter())
    first = training._finish_epoch
    count = []

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    def finish(*parts: object) -> None:
        count.append(1)
        if len(count) == 2:
            monkeypatch.setattr(np, "savez", full)
        first(*parts)  # type: ignore[arg-type]

    training._finish_epoch = finish  # type: ignore[method-assign]
    with pytest.raises(RunError, match=r"No space left on device\. The one before it is kept"):
        training.train()
    monkeypatch.undo()
    assert "No space left" in run.status()["reason"]
    assert state_of(run) == "failed"
    assert read_state(run.checkpoints / LAST)[1]["epoch"] == 1
    assert not list(run.path.rglob("*.partial"))


def test_metrics_that_cannot_be_written_end_the_run(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    training = classifier.start(run, CONFIG, table, segmenter())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "append", full)
    with pytest.raises(RunError, match="run folder cannot be written: No space left"):
        training.train()
    assert state_of(run) == "failed"


def test_the_state_of_a_run_as_a_reader_sees_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert state_of(run) == "empty"
    run.create({})
    lock = run.claim()
    assert lock is not None
    run.set_status("training")
    assert state_of(run) == "training"
    run.set_status("training", heartbeat=time.time() - 1000)
    assert state_of(run) == "stalled"
    lock.release()
    assert state_of(run) == "interrupted", "its number may belong to another process by now"
    run.set_status("finished")
    assert state_of(run) == "finished"
