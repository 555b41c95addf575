"""A whole training in seconds: told, stopped, killed, resumed."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import tensorflow as tf
from cases import FixedLungs, lung_area
from PIL import Image

from covid_model.build.recorded_runs import record
from covid_model.errors import CovidModelError, RunError
from covid_model.lungs.segment import LungMask
from covid_model.models.card import read_card
from covid_model.models.classifier import load
from covid_model.models.float16_weights import read_float16_weights
from covid_model.models.specs import MODELS
from covid_model.models.user_models import available_models, row_of
from covid_model.training import fit
from covid_model.training.checkpoint import read_state
from covid_model.training.config import TrainConfig
from covid_model.training.export import export_model
from covid_model.training.initial_weights import best_network
from covid_model.training.recipes import RECIPES, Recipe
from covid_model.training.register import register
from covid_model.training.run_folder import RunFolder, runs_in, state_of
from covid_model.training.steps import precision_here

SIDE = 96
CONFIG = TrainConfig(
    "steveroger",
    epochs=2,
    head_epochs=1,
    batch=4,
    steps=3,
    weight_decay=0.01,
    init="random",
    log_every=1,
    augmentation="light",
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """24 noisy images; those of COVID-19 are brighter."""
    folder, rows = tmp_path_factory.mktemp("images"), []
    for number in range(24):
        label = ("COVID-19", "Normal", "Pneumonia")[number % 3]
        rng = np.random.default_rng(number)
        grey = rng.normal(150 if label == "COVID-19" else 90, 20, (SIDE, SIDE)).clip(1, 254).astype(np.uint8)
        path = folder / f"{number}.png"
        Image.fromarray(grey).save(path)
        split = "train" if number < 12 else "val" if number < 18 else "test"
        rows.append((str(path), "drawn", f"p{number}", label, split, f"{number:064x}"))
    return pd.DataFrame(rows, columns=["path", "source", "patient", "label", "split", "digest"])


class SquareLungs(FixedLungs):
    """The same lungs on square images of any size."""

    def find(self, pixels: np.ndarray) -> LungMask:
        return LungMask(lung_area(pixels.shape[0]), "good", (), 0.3, 1.0)


def segmenter() -> FixedLungs:
    return SquareLungs(lung_area(SIDE))


def lines(run: RunFolder, kind: str) -> list[dict]:
    told = map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines())
    return [line for line in told if line["kind"] == kind]


def test_a_run_tells_everything_as_it_goes(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    training = fit.start(run, CONFIG, table, segmenter())
    assert training.go() == "finished"
    assert state_of(run) == "finished"
    epochs, steps = lines(run, "epoch"), lines(run, "step")
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert [line["step"] for line in steps] == list(range(1, 10))
    assert {"loss", "accuracy", "learning_rate", "images_per_second", "memory_mb", "eta_s"} <= set(steps[0])
    assert {"val_loss", "val_accuracy", "confusion", "val_auc/COVID-19", "attention_in_lungs"} <= set(epochs[0])
    assert np.sum(epochs[0]["confusion"]) == 6
    with np.load(run.path / "maps" / "epoch-003.npz") as file:
        assert len(file["maps"]) == len(file["inputs"]) == len(file["label"]) == len(file["lungs"]) == 9
        assert file["drawn"].sum() == 3
    assert run.config()["learning_rate"] == CONFIG.learning_rate
    (events,) = (run.path / "tensorboard").iterdir()
    told = list(tf.compat.v1.train.summary_iterator(str(events)))
    assert told[0].file_version == "brain.Event:2"
    losses = {event.step: v.simple_value for event in told for v in event.summary.value if v.tag == "step/loss"}
    assert losses == pytest.approx({line["step"]: line["loss"] for line in steps})
    assert runs_in(tmp_path) == [run]
    shown = record(run, tmp_path / "recorded")
    assert state_of(shown) == "finished"
    assert {path.name for path in shown.path.iterdir()} == {"config.json", "status.json", "metrics.jsonl", "maps"}
    with np.load(shown.path / "maps" / "epoch-003.npz") as file:
        assert file["drawn"].all()
        assert len(file["inputs"]) == 3


def test_a_killed_run_goes_on_bit_for_bit(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit.start(RunFolder(tmp_path / "whole"), CONFIG, table, segmenter())
    whole.go()
    run = RunFolder(tmp_path / "cut")
    cut = fit.start(run, CONFIG, table, segmenter())
    seen = []

    def kill(self: RunFolder) -> bool:
        seen.append(1)
        if len(seen) == 8:  # in the middle of the third epoch
            raise KeyboardInterrupt
        return False

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "asked_to_stop", kill)
        with pytest.raises(KeyboardInterrupt):
            cut.go()
    run.tell("training", pid=2**22 + 1)  # the process is gone
    again = fit.resume(run, table, segmenter())
    assert (again.progress.epoch, again.progress.step) == (2, 6)
    assert again.go() == "finished"
    assert again.progress.step == whole.progress.step == 9
    for one, other in zip(whole.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(whole.optimiser.variables, again.optimiser.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert [line["step"] for line in lines(run, "step")] == list(range(1, 10)), "no step is told twice"


def test_a_run_stops_when_asked(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    training = fit.start(run, CONFIG, table, segmenter())
    run.ask_to_stop()
    assert training.go() == "stopped"
    assert "resume" in run.status()["reason"]
    assert training.progress.step == 1


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    training = fit.start(run, CONFIG, table, segmenter())
    finish = training._finish_epoch

    def spoil(*parts: float) -> None:
        finish(*parts)
        training.model.get_layer("logits").set_weights([np.full((8, 1), np.nan, np.float32), np.zeros(1, np.float32)])

    training._finish_epoch = spoil  # type: ignore[method-assign]
    assert training.go() == "failed"
    assert "nan" in run.status()["reason"]
    assert np.isfinite(best_network(run).get_layer("logits").get_weights()[0]).all()


def test_one_run_has_one_trainer(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    fit.start(run, CONFIG, table, segmenter())
    with pytest.raises(RunError, match="already holds a run"):
        fit.start(run, CONFIG, table, segmenter())
    parent = psutil.Process(os.getppid())
    run.tell("training", pid=parent.pid, started=parent.create_time())
    with pytest.raises(RunError, match=f"Process {parent.pid} is already training"):
        fit.resume(run, table, segmenter())


def test_other_data_and_damaged_checkpoints_are_one_sentence(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    fit.start(run, CONFIG, table, segmenter())
    run.tell("stopped")
    with pytest.raises(RunError, match="other data"):
        fit.resume(run, table.iloc[:-1], segmenter())
    with pytest.raises(RunError, match="no checkpoint yet"):
        fit.resume(run, table, segmenter())
    (run.path / "checkpoint" / "last.npz").write_bytes(b"damaged")
    run.tell("stopped")
    with pytest.raises(RunError, match="damaged"):
        fit.resume(run, table, segmenter())
    with pytest.raises(RunError, match="no readable run"):
        fit.resume(RunFolder(tmp_path / "none"), table, segmenter())


def test_the_state_of_a_run_as_a_reader_sees_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert state_of(run) == "empty"
    run.create({})
    run.tell("training")
    assert state_of(run) == "training"
    run.tell("training", heartbeat=time.time() - 1000)
    assert state_of(run) == "stalled"
    run.tell("training", started=1.0)
    assert state_of(run) == "interrupted", "the number belongs to another process by now"
    run.tell("finished")
    assert state_of(run) == "finished"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"learning_rate": 3.0}, "between 0 and 1"),
        ({"ema": 1.0}, "below 1"),
        ({"augmentation": "wild"}, "light, none"),
        ({"init": "magic"}, "imagenet, shipped, random"),
    ],
)
def test_settings_out_of_range_are_one_sentence(change: dict, words: str) -> None:
    with pytest.raises(RunError, match=words):
        TrainConfig("lungs", **change)


def test_settings_come_back_as_stored() -> None:
    assert TrainConfig.from_dict(CONFIG.as_dict()) == CONFIG
    with pytest.raises(RunError, match="does not fit this version"):
        TrainConfig.from_dict({"model": "lungs", "surprise": 1})


def test_what_ships_carries_its_card_and_half_of_the_precision(table: pd.DataFrame, tmp_path: Path) -> None:
    row = MODELS["steveroger"]
    network = row.build()
    path = export_model(network, row, CONFIG, Recipe(CONFIG, by_image=0.2), table, tmp_path, segmenter())  # type: ignore[arg-type]
    card = read_card(path)
    assert card.training["split"] == "by image"
    assert set(card.thresholds) == set(row.classes)
    back = read_float16_weights(row, tmp_path / row.weights_name)
    for one, other in zip(network.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_an_uneven_start_from_imagenet_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    config = TrainConfig("steveroger", init="imagenet")
    with pytest.raises(RunError, match="No ImageNet weights for steveroger"):
        fit.start(RunFolder(tmp_path / "run"), config, table, segmenter())
    assert set(RECIPES) == set(MODELS)


def test_a_finished_run_becomes_a_model_of_ones_own(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(str(tmp_path / "models"))
    run = RunFolder(tmp_path / "My run 1")
    training = fit.start(run, CONFIG, table, segmenter())
    with pytest.raises(RunError, match="Only a finished run"):
        register(run)
    training.go()
    export_model(best_network(run), training.row, CONFIG, Recipe(CONFIG), table, run.path, segmenter())
    assert register(run).key == "my-run-1"
    assert available_models()["my-run-1"] == "My run 1"
    own = load("my-run-1", segmenter())
    for one, other in zip(best_network(run).get_weights(), own.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert row_of("my-run-1").class_of("Normal") == 0


def test_a_training_starts_from_another_run(table: pd.DataFrame, tmp_path: Path) -> None:
    base = RunFolder(tmp_path / "base")
    fit.start(base, CONFIG, table, segmenter()).go()
    config = replace(CONFIG, init="run", base=str(base.path))
    second = fit.start(RunFolder(tmp_path / "second"), config, table, segmenter())
    best = best_network(base)
    for layer in second.model.layers:
        pairs = zip(layer.get_weights(), best.get_layer(layer.name).get_weights(), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs) == (layer.name != "logits"), layer.name
    with pytest.raises(RunError, match="trained another network"):
        fit.start(RunFolder(tmp_path / "third"), replace(config, model="mobilenetv2"), table, segmenter())
    with pytest.raises(RunError, match="go together"):
        replace(config, base="")


def test_mixed_precision_keeps_full_weights(table: pd.DataFrame, tmp_path: Path) -> None:
    training = fit.start(RunFolder(tmp_path / "run"), replace(CONFIG, precision="mixed_bfloat16"), table, segmenter())
    assert training.model.get_layer("conv1").compute_dtype == "bfloat16"
    assert training.averaged.get_layer("conv1").compute_dtype == "float32"
    assert training.go() == "finished"
    assert all(weight.dtype == np.float32 for weight in training.model.get_weights())
    assert np.isfinite([line["loss"] for line in lines(training.run, "step")]).all()


@pytest.mark.parametrize(
    ("cards", "precision"),
    [
        ([], "float32"),
        ([{"compute_capability": (9, 0)}], "mixed_bfloat16"),
        ([{"compute_capability": (9, 0)}, {"compute_capability": (7, 5)}], "float32"),
        ([{}], "float32"),
    ],
)
def test_precision_is_what_the_graphics_cards_are_quick_at(
    cards: list, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: cards)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda card: card)
    assert precision_here() == precision


def test_a_full_disk_ends_the_run_with_one_sentence(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    training = fit.start(run, CONFIG, table, segmenter())
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
        training.go()
    monkeypatch.undo()
    assert "No space left" in run.status()["reason"]
    assert state_of(run) == "failed"
    assert read_state(run.path / "checkpoint" / "last.npz")[1]["epoch"] == 1
    assert not list(run.path.rglob("*.partial"))


def test_a_missing_image_is_named_before_anything_is_trained(table: pd.DataFrame, tmp_path: Path) -> None:
    gone = table.assign(path=table["path"].where(table.index != 0, str(tmp_path / "gone.png")))
    training = fit.start(RunFolder(tmp_path / "run"), CONFIG, gone, segmenter())
    with pytest.raises(CovidModelError, match=r"gone\.png"):
        training.go()
    assert "gone.png" in training.run.status()["reason"]


def test_metrics_that_cannot_be_written_end_the_run(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    training = fit.start(run, CONFIG, table, segmenter())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "append", full)
    with pytest.raises(RunError, match="run folder cannot be written: No space left"):
        training.go()
    assert state_of(run) == "failed"
