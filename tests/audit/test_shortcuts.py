"""A planted corner marker is found; where nothing is planted the audit stays silent."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_models import SIDE, classifier_on, corner, lung_area

from covid_model.audit import shortcut_features
from covid_model.audit.shortcut_features import ALTERED, REMOVED, WHOLE, patches_shuffled, silhouette
from covid_model.audit.shortcuts import METADATA, ROWS, audit_shortcuts
from covid_model.errors import DataError
from covid_model.evaluation.stored import SHORTCUT_ROWS

SIZE = 128


def drawn(folder: Path, bright: np.ndarray, images: int = 120) -> pd.DataFrame:
    """Noisy images of two sources; those of COVID-19 are brighter in the area `bright` (SIZE, SIZE)."""
    rows = []
    for number in range(images):
        rng = np.random.default_rng(number)
        sick = number % 2 == 0
        pixels = rng.normal(110, 25, (SIZE, SIZE))
        pixels[bright & sick] += 90
        path = folder / f"{number}.png"
        Image.fromarray(pixels.clip(1, 254).astype(np.uint8)).save(path)
        split = "train" if number < 0.6 * images else "test"
        source = "one" if number % 3 else "two"
        label, phash = "COVID-19" if sick else "Normal", rng.bytes(32).hex()
        rows.append((str(path), source, f"p{number}", label, split, f"{number:064x}", phash))
    return pd.DataFrame(rows, columns=["path", "source", "patient", "label", "split", "digest", "phash"])


def test_a_marker_in_the_corner_is_found_where_it_is(tmp_path: Path) -> None:
    rows = drawn(tmp_path, corner(SIZE))
    found = audit_shortcuts(classifier_on(np.ones((SIDE, SIDE), bool)), rows, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "shortcuts.json").read_text()) == found
    assert tuple(ROWS) == SHORTCUT_ROWS, "what the Evaluate page asks for"
    assert not (tmp_path / "out" / "shortcuts.parts").exists()
    own = {name: found["matrix"][name][name] for name in ALTERED}
    for name in (WHOLE, REMOVED, "corners only", "border only"):
        assert own[name]["low"] > 0.8, name
    assert own["lungs only"]["low"] < 0.5 < own["lungs only"]["high"]
    assert found["without_lungs"] == REMOVED
    assert found["shortcut_ratio"] > 0.8
    assert found["matrix"]["corners only"][WHOLE]["value"] > 0.8, "what the corners teach serves on whole images"
    assert found["without_network"][METADATA]["value"] == 0.5, "no view, sex or age is known"
    assert found["told"]["view"]["value"] is None
    assert found["leakage"] == {"images": 120, "patients": 0, "near_duplicates": 0}
    assert found["elsewhere"]["here"] == own[WHOLE]
    measured = found["elsewhere"]["measured"]
    assert measured["cells"] == 2, "each source is fitted alone and tested on the other"
    assert 0.8 < measured["low"] <= measured["high"], "both sources have the marker"


def test_evidence_in_the_lungs_is_no_shortcut(tmp_path: Path) -> None:
    rows = drawn(tmp_path, lung_area(SIZE))
    found = audit_shortcuts(classifier_on(np.ones((SIDE, SIDE), bool)), rows, tmp_path / "out")
    own = {name: found["matrix"][name][name] for name in ALTERED}
    assert own["lungs only"]["low"] > 0.9
    for name in (REMOVED, "corners only", "silhouette"):
        assert own[name]["low"] <= 0.5 <= own[name]["high"], name
    assert abs(found["shortcut_ratio"]) < 0.35
    assert found["source"][WHOLE]["low"] < 0.6, "the sources do not differ"
    assert set(found["leave_one_out"]) == {"one", "two"}
    assert found["leave_one_out"]["two"]["auc"]["low"] > 0.9


def test_an_interrupted_audit_continues_and_a_finished_one_is_extended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, classifier = drawn(tmp_path, corner(SIZE), 40), classifier_on(np.ones((SIDE, SIDE), bool))
    rows.loc[39, "patient"] = rows.loc[0, "patient"]
    rows.loc[38, "phash"] = rows.loc[1, "phash"]
    monkeypatch.setattr(shortcut_features, "EVERY", 10)
    seen: list[str] = []
    load = shortcut_features.load_image

    def reading(path: Path):
        if len(seen) == 25:
            raise KeyboardInterrupt
        seen.append(path.name)
        return load(path)

    monkeypatch.setattr(shortcut_features, "load_image", reading)
    monkeypatch.setattr(shortcut_features, "in_order", lambda work, items: (work(item, None) for item in items))
    with pytest.raises(KeyboardInterrupt):
        audit_shortcuts(classifier, rows, tmp_path / "out")
    monkeypatch.setattr(shortcut_features, "load_image", lambda path: (seen.append(path.name), load(path))[1])
    found = audit_shortcuts(classifier, rows, tmp_path / "out")
    assert sorted(set(seen[25:])) == sorted(f"{number}.png" for number in range(20, 40)), "two parts of ten were kept"
    assert found["leakage"] == {"images": 40, "patients": 1, "near_duplicates": 1}

    seen.clear()
    path = tmp_path / "out" / "shortcuts.json"
    old = {key: value for key, value in found.items() if key not in ("leakage", "marker_flips")} | {"source": "as before"}
    path.write_text(json.dumps(old))
    extended = audit_shortcuts(classifier, rows, tmp_path / "out")
    assert {**extended, "date": found["date"]} == {**found, "source": "as before"}
    assert len(seen) == 40, "the flips need the images"
    seen.clear()
    path.write_text(json.dumps({key: value for key, value in found.items() if key != "leakage"}))
    assert audit_shortcuts(classifier, rows, tmp_path / "out")["leakage"] == found["leakage"]
    assert not seen
    for name in ("weights_sha256", "outline_sha256"):
        path.write_text(json.dumps(old | {name: "of others"}))
        assert audit_shortcuts(classifier, rows, tmp_path / "out")["source"] == found["source"], "nothing of it is kept"


def test_one_label_alone_cannot_be_audited(tmp_path: Path) -> None:
    rows = drawn(tmp_path, corner(SIZE), 20)
    with pytest.raises(DataError, match="test images with COVID-19 and with other labels"):
        audit_shortcuts(
            classifier_on(corner(SIDE)), rows[(rows["split"] == "train") | (rows["label"] == "Normal")], tmp_path
        )


def test_alterations_keep_the_shape_and_what_they_say() -> None:
    pixels, lungs = np.random.default_rng(0).random((83, 70)).astype(np.float32), np.zeros((83, 70), bool)
    lungs[20:60, 10:60] = True
    assert set(np.unique(silhouette(pixels, lungs))) == {0.0, 0.5}
    mixed = patches_shuffled(pixels, lungs)
    assert mixed.shape == pixels.shape
    assert not np.array_equal(mixed, pixels)
    np.testing.assert_allclose(np.sort(mixed.ravel()), np.sort(pixels.ravel()))


def test_models_shown_only_the_lungs_are_held_to_their_outline(tmp_path: Path) -> None:
    classifier = classifier_on(np.ones((SIDE, SIDE), bool))
    spec = replace(classifier.card.preprocessing, region="lungs")
    shown = replace(classifier, card=replace(classifier.card, preprocessing=spec))
    found = audit_shortcuts(shown, drawn(tmp_path, lung_area(SIZE)), tmp_path / "out")
    assert found["without_lungs"] == "silhouette"
    own = {name: found["matrix"][name][name]["value"] for name in (WHOLE, "silhouette")}
    assert found["shortcut_ratio"] == pytest.approx((own["silhouette"] - 0.5) / (own[WHOLE] - 0.5), abs=1e-4)
