"""The shipped trust scores are those that the tests give, and are ignored as soon as anything they depend on has changed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from covid_model import load_model, sample_image
from covid_model.api.result import Result
from covid_model.build.trust_scores import write_scores
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.models.card import read_card
from covid_model.models.specs import DEFAULT_MODEL, MODELS
from covid_model.settings import WEIGHTS
from covid_model.trust import precomputed
from covid_model.trust.precomputed import SCORES, made_from, precomputed_scores, scores_path
from covid_model.trust.trust_tests import TRUST_TESTS

FIRST = next(iter(shipped_samples()))
SHIPPED_SCORES = [path.stem for path in sorted(SCORES.glob("*.json"))]


@pytest.fixture(scope="module")
def result() -> Result:
    """The result that a first visitor sees."""
    return load_model(DEFAULT_MODEL).explain(sample_image(FIRST))


def test_the_shipped_scores_are_what_the_tests_give(result: Result) -> None:
    shipped = precomputed_scores(result.inputs)
    assert list(shipped) == list(TRUST_TESTS)
    for score in replace(result, scores={}).trust_scores():
        again = shipped[score.key]
        assert (again.outcome, again.better, again.caveat) == (score.outcome, score.better, score.caveat)
        assert again.value == pytest.approx(score.value, abs=2e-3)
        assert again.chance == pytest.approx(score.chance, abs=2e-3)
        assert again.details.keys() == score.details.keys()


@pytest.mark.parametrize("model", SHIPPED_SCORES)
def test_the_shipped_scores_belong_to_this_code_and_these_weights(model: str) -> None:
    record = json.loads(scores_path(model).read_text("utf-8"))
    weights = read_card(WEIGHTS / MODELS[model].card_name).weights_sha256
    hint = f"run `python -m covid_model build scores --model {model}`"
    assert record["made_from"] == made_from(model, weights), hint
    assert record["heatmaps"], hint
    for row in record["heatmaps"]:
        assert [score["key"] for score in row["scores"]] == list(TRUST_TESTS)


def test_the_shipped_scores_are_small_and_hold_no_image() -> None:
    assert DEFAULT_MODEL in SHIPPED_SCORES
    assert sum(path.stat().st_size for path in SCORES.iterdir()) < 2_000_000


@pytest.fixture
def folder(tmp_path: Path, result: Result) -> Path:
    """A folder with the shipped scores of the default model, to be spoilt."""
    scores_path(DEFAULT_MODEL, tmp_path).write_bytes(scores_path(DEFAULT_MODEL).read_bytes())
    assert precomputed_scores(result.inputs, tmp_path)
    precomputed._shipped.cache_clear()
    return tmp_path


@pytest.mark.parametrize("name", ["weights", "code", f"{DEFAULT_MODEL}.onnx.json", f"{DEFAULT_MODEL}.audit.json"])
def test_scores_made_from_something_else_are_ignored(folder: Path, result: Result, name: str) -> None:
    path = scores_path(DEFAULT_MODEL, folder)
    record = json.loads(path.read_text("utf-8"))
    record["made_from"][name] = "0" * 64
    path.write_text(json.dumps(record), "utf-8")
    assert precomputed_scores(result.inputs, folder) == {}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"made_from": {}}'])
def test_a_damaged_or_missing_file_is_ignored(folder: Path, result: Result, content: str) -> None:
    scores_path(DEFAULT_MODEL, folder).write_text(content, "utf-8")
    assert precomputed_scores(result.inputs, folder) == {}
    precomputed._shipped.cache_clear()
    scores_path(DEFAULT_MODEL, folder).unlink()
    assert precomputed_scores(result.inputs, folder) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"image_digest": "0" * 64},
        {"model_digest": "0" * 64},
        {"method": "hirescam"},
        {"target": "Normal"},
        {"layer": "block5c"},
    ],
    ids=str,
)
def test_scores_of_another_heatmap_are_not_taken(result: Result, change: dict[str, str]) -> None:
    other = replace(result.inputs, explanation=replace(result.explanation, **change))
    assert precomputed_scores(other) == {}
    assert precomputed_scores(replace(result.inputs, lesions=np.ones(result.image.shape, bool))) == {}
    assert precomputed_scores(replace(result.inputs, seed=1)) == {}


def test_what_is_written_is_read_back(tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Result, "trust_scores", lambda self: list(precomputed_scores(self.inputs).values()))
    model = load_model(DEFAULT_MODEL)
    path = write_scores(model, [shipped_samples()[FIRST]], tmp_path)
    assert path is not None
    assert path == scores_path(DEFAULT_MODEL, tmp_path)
    assert precomputed_scores(result.inputs, tmp_path) == precomputed_scores(result.inputs)
    monkeypatch.setattr("covid_model.build.trust_scores.withheld", lambda _: "no better than chance")
    assert write_scores(model, [shipped_samples()[FIRST]], tmp_path) is None
    assert not path.exists(), "scores of an earlier version would be taken for those of this one"
