"""The audit record of a model: measured part by part, and continued where it was interrupted."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from covid_model.api.model import Model
from covid_model.audit import audit_model, outline
from covid_model.cli.main import main
from covid_model.data.manifest import data_hash
from covid_model.explain.methods import METHODS


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was measured, in order; each part says how many images it got."""
    done: list[str] = []

    def part(name: str, rows: pd.DataFrame) -> dict[str, Any]:
        done.append(name)
        return {"images": len(rows), "turn": len(done)}

    monkeypatch.setattr(audit_model, "attention", lambda _, rows: part("attention", rows))
    monkeypatch.setattr(audit_model, "lesions", lambda _, rows: part("lesions", rows))
    monkeypatch.setattr(audit_model, "of_method", lambda _, method, rows, seed: part(method, rows))
    return done


def model(weights: str = "w") -> Model:
    return cast(Model, SimpleNamespace(key="m", classifier=SimpleNamespace(weights_digest=weights)))


def table(test_images: int = 60) -> pd.DataFrame:
    count = test_images + 5
    splits = ["test"] * test_images + ["train"] * 5
    return pd.DataFrame({"digest": [f"{n:064x}" for n in range(count)], "label": "Normal", "split": splits})


def test_a_record_has_every_part_once_and_leaves_no_other_file(measured: list[str], tmp_path: Path) -> None:
    record = audit_model.audit_model(model(), table(), tmp_path)
    assert measured == ["attention", "lesions", *METHODS]
    assert record["attention"]["images"] == 60
    assert {found["images"] for found in record["methods"].values()} == {audit_model.IMAGES}
    assert [path.name for path in tmp_path.iterdir()] == ["m.audit.json"]
    assert json.loads((tmp_path / "m.audit.json").read_text()) == record


def test_an_interrupted_audit_continues_and_measures_nothing_twice(
    measured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, whole = list(METHODS)[2], audit_model.of_method

    def interrupted(found: Model, method: str, rows: pd.DataFrame, seed: int) -> dict[str, Any]:
        if method == stopped:
            raise KeyboardInterrupt
        return whole(found, method, rows, seed)

    with monkeypatch.context() as patch:
        patch.setattr(audit_model, "of_method", interrupted)
        with pytest.raises(KeyboardInterrupt):
            audit_model.audit_model(model(), table(), tmp_path)
    assert measured == ["attention", "lesions", *list(METHODS)[:2]]
    record = audit_model.audit_model(model(), table(), tmp_path)
    assert measured == ["attention", "lesions", *METHODS]
    assert [found["turn"] for found in record["methods"].values()] == list(range(3, 3 + len(METHODS)))


@pytest.mark.parametrize(("weights", "images", "seed"), [("other", 60, 0), ("w", 59, 0), ("w", 60, 1)])
def test_parts_of_other_weights_data_or_seed_are_not_taken(
    measured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: str, images: int, seed: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(audit_model, "lesions", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            audit_model.audit_model(model(), table(), tmp_path)
    audit_model.audit_model(model(weights), table(images), tmp_path, seed)
    assert measured == ["attention", "attention", "lesions", *METHODS]


def test_parts_measured_with_other_outlines_are_not_taken(
    measured: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(audit_model, "lesions", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            audit_model.audit_model(model(), table(), tmp_path)
    monkeypatch.setattr(outline, "outline_sha256", lambda: "of others")
    assert audit_model.audit_model(model(), table(), tmp_path)["outline_sha256"] == "of others"
    assert measured == ["attention", "attention", "lesions", *METHODS]


@pytest.mark.parametrize(("known", "fitted"), [(True, 0), (False, 1)])
def test_a_source_classifier_of_the_same_images_is_not_fitted_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: bool, fitted: int
) -> None:
    rows, calls = table(), []
    probe = SimpleNamespace(
        data_hash=data_hash(rows) if known else "of other images",
        balanced_accuracy={"value": 0.5, "low": 0.4, "high": 0.6},
        save=lambda _: calls.append("saved"),
    )
    monkeypatch.setattr(
        "covid_model.models.classifier.load", lambda *_, **__: SimpleNamespace(key="lungs", weights_digest="w")
    )
    monkeypatch.setattr("covid_model.data.manifest.read_manifest", lambda _: rows)
    monkeypatch.setattr("covid_model.trust.source_probe.load_probe", lambda *_: probe)
    monkeypatch.setattr("covid_model.audit.fit_source_probe.fit_probe", lambda *_: probe)
    record = {"attention": {}, "lesions": {"images": 0, "scores": {}}, "methods": {}}
    monkeypatch.setattr(audit_model, "audit_model", lambda *_: record)
    assert main(["audit", "--model", "lungs", "--manifest", "m.parquet", "--weights", str(tmp_path)]) == 0
    assert calls == ["saved"] * fitted
