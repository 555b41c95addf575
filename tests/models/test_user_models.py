"""A model that a user registers: kept with its card and its ONNX graph, answered by TensorFlow where it has none."""

from pathlib import Path

import pytest
from new_model import THROWAWAY

from covid_model import settings
from covid_model.backends.graphs import graph_path
from covid_model.backends.onnx import OnnxBackend
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.errors import ModelError
from covid_model.models import user_models
from covid_model.models.card import Card
from covid_model.models.classifier import load
from covid_model.models.user_models import available_models, row_of, save_user_model


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(settings.MODELS.variable, str(tmp_path))
    return tmp_path


def card() -> Card:
    empty = {"temperature": 1.0, "thresholds": {}, "training": {}, "weights_sha256": ""}
    return Card.of(THROWAWAY, **empty, date="2026-01-01", version="0")


def test_a_registered_model_is_exported_and_its_card_is_its_spec(folder: Path) -> None:
    written = save_user_model(THROWAWAY.build(), card())
    assert available_models()[written.key] == written.title
    assert isinstance(load(written.key).forward, OnnxBackend)
    spec = row_of(written.key)
    assert (spec.float16, spec.ships, spec.claimed) == (False, False, None)
    assert spec.classes == THROWAWAY.classes
    with pytest.raises(ModelError, match="cannot be built anew"):
        spec.build()


def test_a_model_that_cannot_be_exported_is_answered_by_tensorflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = save_user_model(THROWAWAY.build(), card()).key

    def fail(*_: object) -> None:
        graph_path(folder, key).unlink()
        raise ModelError("It cannot be written.")

    monkeypatch.setattr(user_models, "write_graph", fail)
    save_user_model(THROWAWAY.build(), card())
    assert isinstance(load(key).forward, TensorFlowBackend)
