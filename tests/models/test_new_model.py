"""A new model is one spec: everything that offers models finds it there."""

import pickle
from argparse import Namespace
from dataclasses import fields
from pathlib import Path

import pytest
from new_model import THROWAWAY

from covid_model import settings
from covid_model.cli.main import parser
from covid_model.files import file_sha256
from covid_model.models.card import Card, read_card, write_card
from covid_model.models.classifier import load
from covid_model.models.float16_weights import write_float16_weights
from covid_model.models.specs import MODELS, ModelSpec
from covid_model.models.user_models import available_models, row_of
from covid_model.training.recipes import get_recipe
from docs.reference import reference


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    monkeypatch.setitem(MODELS, THROWAWAY.key, THROWAWAY)
    return THROWAWAY


def arguments(*words: str) -> Namespace:
    return parser().parse_args(words)


def test_command_line_reference_and_training_know_it(known: ModelSpec) -> None:
    assert arguments("train", "--model", known.key).model == known.key
    assert arguments("evaluate", "--model", known.key, "--manifest", "m.parquet", "--out", "out").model == known.key
    assert f"**{known.title}** (`{known.key}`): {known.summary}" in reference()
    assert get_recipe(known.key).config.model == known.key
    assert known.key not in available_models(), "its weights are not there yet"


def test_with_weights_and_card_pages_offer_it_and_it_answers(
    known: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.MODELS.variable, str(tmp_path))
    write_float16_weights(known.build(), tmp_path / known.weights_name)
    digest = file_sha256(tmp_path / known.weights_name)
    card = Card.of(known, temperature=2.0, thresholds={}, training={}, weights_sha256=digest, date="2026-01-01", version="0")
    write_card(card, tmp_path / known.card_name)
    assert read_card(tmp_path / known.card_name) == card
    assert available_models()[known.key] == known.title
    assert row_of(known.key) is known
    assert load(known.key).forward.units == 3
    assert arguments("predict", "image.png", "--model", known.key).model == known.key


@pytest.mark.parametrize("key", [key for key, spec in MODELS.items() if spec.ships])
def test_a_shipped_card_holds_the_spec_of_the_table(key: str) -> None:
    spec, card = MODELS[key], read_card(settings.WEIGHTS / MODELS[key].card_name)
    shared = [part.name for part in fields(ModelSpec) if part.name != "build"]
    assert not [name for name in shared if getattr(spec, name) != getattr(card, name)]
    assert pickle.loads(pickle.dumps(card)) == card, "pages cache cards"
