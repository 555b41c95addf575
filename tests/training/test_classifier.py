"""A whole training in seconds, from the settings to a registered model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from small_runs import CONFIG, lines, segmenter

from covid_model.build.recorded_run import record_run
from covid_model.errors import ModelError, RunError
from covid_model.files import write_json
from covid_model.images.preprocess import Preprocessing
from covid_model.images.read import load_image
from covid_model.models.card import read_card
from covid_model.models.classifier import load
from covid_model.models.float16_weights import read_float16_weights
from covid_model.models.specs import MODELS
from covid_model.models.user_models import available_models, row_of
from covid_model.settings import MODELS as MODELS_FOLDER
from covid_model.training import classifier
from covid_model.training.config import TrainConfig
from covid_model.training.export import export_model
from covid_model.training.image_cache import shrink
from covid_model.training.initial_weights import best_network
from covid_model.training.recipes import RECIPES, Recipe, get_recipe
from covid_model.training.register import register
from covid_model.training.run_folder import RunFolder, runs_in, state_of
from covid_model.training.train_step import precision_here


def test_a_run_records_everything_as_it_goes(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    training = classifier.start(run, CONFIG, table, segmenter())
    assert training.train() == "finished"
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
    assert runs_in(tmp_path) == [run]
    write_json(run.path / "config.json", {**run.config(), "manifest": "/home/someone/manifest.parquet"})
    shown = record_run(run, tmp_path / "recorded")
    assert "manifest" not in shown.config(), "paths of a machine do not ship"
    assert state_of(shown) == "finished"
    assert {path.name for path in shown.path.iterdir()} == {"config.json", "status.json", "metrics.jsonl", "maps"}
    with np.load(shown.path / "maps" / "epoch-003.npz") as file:
        assert file["drawn"].all()
        assert len(file["inputs"]) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"learning_rate": 3.0}, "between 0 and 1"),
        ({"ema": 1.0}, "below 1"),
        ({"size": -1}, "size must be at least 0"),
        ({"frozen": 1.0}, "frozen is at least 0 and below 1"),
        ({"augmentation": "wild"}, "light, acquisition, none"),
        ({"init": "magic"}, "imagenet, shipped, random"),
    ],
)
def test_settings_out_of_range_are_one_sentence(change: dict, words: str) -> None:
    with pytest.raises(RunError, match=words):
        TrainConfig("lungs", **change)


def test_a_training_at_another_size_gives_a_model_of_that_size(table: pd.DataFrame, tmp_path: Path) -> None:
    config, run = replace(CONFIG, size=80), RunFolder(tmp_path / "run")
    training = classifier.start(run, config, table, segmenter())
    assert training.train() == "finished"
    spec = MODELS["steveroger"].at_size(80)
    export_model(best_network(run), spec, config, Recipe(config), table, run.path, segmenter())
    card = read_card(run.path / spec.card_name)
    assert (card.preprocessing.size, MODELS["steveroger"].preprocessing.size) == ((80, 80), (64, 64))
    trained = load("steveroger", segmenter(), folder=run.path)
    image = load_image(Path(table["path"][0]))
    assert trained.prepare(image).batch.shape == (1, 80, 80, 3)
    assert spec.at_size(0) is spec.at_size(80) is spec


def test_a_size_that_a_model_or_its_weights_cannot_have_is_one_sentence(table: pd.DataFrame, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with pytest.raises(ModelError, match="8 x 8 pixels are too few for small-cnn; choose a larger size"):
        classifier.start(run, replace(CONFIG, model="small-cnn", size=8), table, segmenter())
    with pytest.raises(
        RunError, match="do not fit steveroger with an input of 80 x 80 pixels; use --size 0 or --init random"
    ):
        classifier.start(run, replace(CONFIG, size=80, init="shipped"), table, segmenter())
    assert not run.path.exists()


def test_images_are_kept_larger_than_the_network_sees_them(table: pd.DataFrame) -> None:
    image = load_image(Path(table["path"][0]))
    assert shrink(image, Preprocessing(size=(96, 96)), segmenter()).pixels.shape == (288, 288)
    large = shrink(image, Preprocessing(size=(320, 320)), segmenter(), np.ones(image.shape, bool))
    assert large.pixels.shape == large.mask.shape == (411, 411)
    assert large.marks is not None
    assert large.marks.shape == (411, 411)


def test_frozen_layers_keep_their_initial_weights_and_the_others_learn(table: pd.DataFrame, tmp_path: Path) -> None:
    training = classifier.start(RunFolder(tmp_path / "run"), replace(CONFIG, frozen=0.5), table, segmenter())
    layers = training.task.network.layers
    before = [layer.get_weights() for layer in layers]
    assert training.train() == "finished"
    kept = [
        all(np.array_equal(one, other) for one, other in zip(weights, layer.get_weights(), strict=True))
        for layer, weights in zip(layers, before, strict=True)
        if weights
    ]
    places = [number / len(layers) for number, weights in enumerate(before) if weights]
    assert kept == [place < 0.5 for place in places]
    assert any(kept)
    assert not all(kept)


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
        classifier.start(RunFolder(tmp_path / "run"), config, table, segmenter())
    assert set(RECIPES) <= set(MODELS)
    assert all(get_recipe(key).config.model == key for key in MODELS)


def test_a_finished_run_becomes_a_model_of_ones_own(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODELS_FOLDER.variable, str(tmp_path / "models"))
    run = RunFolder(tmp_path / "My run 1")
    training = classifier.start(run, CONFIG, table, segmenter())
    with pytest.raises(RunError, match="Only a finished run"):
        register(run)
    training.train()
    export_model(best_network(run), training.task.spec, CONFIG, Recipe(CONFIG), table, run.path, segmenter())
    assert register(run).key == "my-run-1"
    assert available_models()["my-run-1"] == "My run 1"
    own = load("my-run-1", segmenter())
    for one, other in zip(best_network(run).get_weights(), own.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert row_of("my-run-1").class_of("Normal") == 0


def test_a_training_starts_from_another_run(table: pd.DataFrame, tmp_path: Path) -> None:
    base = RunFolder(tmp_path / "base")
    classifier.start(base, CONFIG, table, segmenter()).train()
    config = replace(CONFIG, init="run", base=str(base.path))
    second = classifier.start(RunFolder(tmp_path / "second"), config, table, segmenter())
    best = best_network(base)
    for layer in second.task.network.layers:
        pairs = zip(layer.get_weights(), best.get_layer(layer.name).get_weights(), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs) == (layer.name != "logits"), layer.name
    with pytest.raises(RunError, match="trained another network"):
        classifier.start(RunFolder(tmp_path / "third"), replace(config, model="mobilenetv2"), table, segmenter())
    with pytest.raises(RunError, match="needs base"):
        replace(config, base="")


def test_mixed_precision_keeps_full_weights(table: pd.DataFrame, tmp_path: Path) -> None:
    training = classifier.start(RunFolder(tmp_path / "run"), replace(CONFIG, precision="mixed_bfloat16"), table, segmenter())
    assert training.task.network.get_layer("conv1").compute_dtype == "bfloat16"
    assert training.task.averaged.get_layer("conv1").compute_dtype == "float32"
    assert training.train() == "finished"
    assert all(weight.dtype == np.float32 for weight in training.task.network.get_weights())
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
