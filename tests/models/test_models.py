import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from covid_model.errors import ModelError
from covid_model.models.card import read_card
from covid_model.models.classifier import load
from covid_model.models.specs import MODELS, SHIPPED
from covid_model.settings import WEIGHTS

KEYS = list(SHIPPED)


@pytest.mark.parametrize("key", KEYS)
def test_a_shipped_model_is_what_its_card_says(key: str) -> None:
    row, classifier = MODELS[key], load(key)
    card = classifier.card
    assert (card.key, card.classes, card.preprocessing) == (key, row.classes, row.preprocessing)
    units = classifier.network.get_layer("logits").output.shape[-1]
    assert units == len(card.classes) or (units, len(card.classes)) == (1, 2)
    for layer in card.explanation_layers:
        assert len(classifier.network.get_layer(layer).output.shape) == 4
    size = (2, *card.preprocessing.size, card.preprocessing.channels)
    logits = classifier.logits(np.random.default_rng(0).random(size).astype(np.float32))
    np.testing.assert_allclose(classifier.probabilities(logits).sum(axis=1), 1)
    assert (WEIGHTS / row.weights_name).stat().st_size < 50e6


@pytest.mark.parametrize("key", KEYS)
def test_every_score_on_a_card_has_its_interval_and_its_origin(key: str) -> None:
    scores = read_card(WEIGHTS / MODELS[key].card_name).scores
    assert {"date", "data_hash", "version", "test"} <= set(scores)
    for block in (scores["test"], *scores["test"]["by_source"].values()):
        for name, score in block["scores"].items():
            assert score["patients"] > 0, name
            if score["value"] is not None and score["low"] is not None:
                assert score["low"] <= score["value"] <= score["high"], name


def test_unknown_models_name_the_known_ones() -> None:
    with pytest.raises(ModelError, match=", ".join(MODELS)):
        load("resnet1001")


def test_weights_that_are_not_the_cards_are_refused(tmp_path: Path) -> None:
    row = MODELS[KEYS[0]]
    shutil.copy(WEIGHTS / row.card_name, tmp_path)
    with pytest.raises(ModelError, match="missing"):
        load(KEYS[0], folder=tmp_path)
    (tmp_path / row.weights_name).write_bytes(b"other weights")
    with pytest.raises(ModelError, match="not the file its card describes"):
        load(KEYS[0], folder=tmp_path)


def test_the_two_default_models_differ_in_what_they_are_shown_and_in_nothing_else() -> None:
    lungs, whole = (read_card(WEIGHTS / MODELS[key].card_name) for key in ("lungs", "whole-image"))
    assert replace(lungs.preprocessing, region="image") == whole.preprocessing
    assert {**lungs.training["settings"], "model": "whole-image"} == whole.training["settings"]
    assert lungs.training["data_hash"] == whole.training["data_hash"]
    assert (lungs.architecture, lungs.classes) == (whole.architecture, whole.classes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": None}, "not a valid model card"),
        ({"preprocessing": {"size": [2, 2], "region": "heart"}}, "Unknown preprocessing"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_broken_card_is_one_sentence(tmp_path: Path, change: dict, words: str) -> None:
    cells = json.loads((WEIGHTS / MODELS[KEYS[0]].card_name).read_text()) | change
    path = tmp_path / "x.card.json"
    path.write_text(json.dumps(cells))
    with pytest.raises(ModelError, match=words):
        read_card(path)
    with pytest.raises(ModelError, match="no card"):
        read_card(tmp_path / "absent.card.json")
