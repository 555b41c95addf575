"""A report whose every number is known beforehand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toy_models import SIDE, classifier_on

from covid_model.data.sources import cohen, hannover, kermany
from covid_model.errors import DataError, ModelError
from covid_model.evaluation.outputs import clusters
from covid_model.evaluation.report import evaluate, write_scores
from covid_model.evaluation.scores import confusion
from covid_model.evaluation.stored import read_report
from covid_model.models.card import read_card, write_card

COHEN, CHILDREN, HANNOVER = cohen.COHEN.name, kermany.KERMANY.name, hannover.HANNOVER.name
IMAGES = [
    # source, label, grey, age: within Cohen's collection brightness says nothing, across the collections nearly everything
    (COHEN, "COVID-19", 200, 60),
    (COHEN, "Normal", 200, 50),
    (COHEN, "COVID-19", 190, 55),
    (COHEN, "Pneumonia", 190, None),
    (COHEN, "Normal", 240, 9),
    *[(CHILDREN, "Normal", 20, None)] * 6,
    *[(CHILDREN, "Pneumonia", 20, None)] * 2,
    (HANNOVER, "COVID-19", 210, None),
]


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    rows = []
    for number, (source, label, grey, age) in enumerate(IMAGES):
        path = tmp_path / f"{number}.png"
        pixels = np.full((64, 64), grey, np.uint8)
        pixels[0, :2] = 0, 255  # an image of one grey is refused
        Image.fromarray(pixels).save(path)
        rows.append((str(path), source, f"p{number}", label, "test", f"{number:064x}", age))
    images = pd.DataFrame(rows, columns=["path", "source", "patient", "label", "split", "digest", "age"])
    return pd.concat([images, images.head(4).assign(split="val")], ignore_index=True)


def test_shortcuts_show_in_the_parts_where_they_do_not_work(table: pd.DataFrame, tmp_path: Path) -> None:
    classifier = classifier_on(np.ones((SIDE, SIDE), bool), key="lungs")
    trained = [{"split": "train", "source": source, "label": "Normal", "images": 1} for source in (COHEN, CHILDREN)]
    card = replace(classifier.card, training={"images": trained})
    classifier.card = card
    report = evaluate(classifier, table, tmp_path / "out")
    assert report == json.loads((tmp_path / "out" / "report.json").read_text())
    test = report["splits"]["test"]
    # 11 images without COVID-19: each of 3 is brighter than 8 children; 200 ties one, loses to 240 and beats 190, and so on
    assert test["scores"]["auc/COVID-19"]["value"] == pytest.approx((9.5 + 8.5 + 10) / 33)
    parts = test["by_subset"]
    assert {key: part["images"] for key, part in parts.items()} == {"adults": 5, "one_source": 4, "new_sources": 1}
    assert parts["one_source"]["scores"]["auc/COVID-19"]["value"] == 0.5
    assert parts["new_sources"]["scores"]["auc/COVID-19"]["value"] is None, "one class alone has no AUC"
    macro = [test["scores"][f"auc/{name}"]["value"] for name in card.classes]
    assert test["scores"]["auc/macro"]["value"] == pytest.approx(np.mean(macro))
    assert report["milliseconds"] > 0
    write_card(card, tmp_path / "lungs.card.json")
    write_scores(report, tmp_path)
    on_card = read_card(tmp_path / "lungs.card.json").scores["test"]
    assert on_card == {key: test[key] for key in ("images", "patients", "scores", "confusion", "by_source", "by_subset")}
    write_card(replace(card, weights_sha256="2" * 64), tmp_path / "lungs.card.json")
    with pytest.raises(ModelError, match="other weights"):
        write_scores(report, tmp_path)


def test_small_groups_show_their_size_and_no_score(table: pd.DataFrame, tmp_path: Path) -> None:
    test = evaluate(classifier_on(np.ones((SIDE, SIDE), bool), key="lungs"), table, tmp_path)["splits"]["test"]
    assert {name: (part["images"], part["scores"]) for name, part in test["by_source"].items()} == {
        COHEN: (5, {}), CHILDREN: (8, {}), HANNOVER: (1, {})
    }  # fmt: skip
    ages = {name: part["images"] for name, part in test["by_age"].items()}
    assert ages == {"not stated": 10, "under 18": 1, "40 to 59": 2, "60 to 79": 1}
    assert list(test["by_view"]) == list(test["by_sex"]) == ["not stated"], "the manifest has neither column"


def test_predictions_are_numbers_without_files_or_names(table: pd.DataFrame, tmp_path: Path) -> None:
    classifier = classifier_on(np.ones((SIDE, SIDE), bool), key="lungs")
    evaluate(classifier, table, tmp_path / "out")
    report = read_report(tmp_path / "out")
    rows = report.predictions
    assert len(rows) == len(table)
    assert not {"path", "view", "sex", "age", "finding"} & set(rows)
    assert "attention" not in rows
    assert rows["patient"].nunique() == table["patient"].nunique()
    assert pd.api.types.is_integer_dtype(rows["patient"])
    cases = report.cases(rows[rows["split"] == "test"])
    assert confusion(cases.label, cases.predicted, 3) == report.test["confusion"]
    assert (rows["class"] == table["label"]).all()
    measured = table.assign(attention=0.25, weights=classifier.weights_digest)
    evaluate(classifier, measured, tmp_path / "measured")
    assert (read_report(tmp_path / "measured").predictions["attention"] == 0.25).all()


def test_what_needs_validation_images_is_left_out_without_them(table: pd.DataFrame, tmp_path: Path) -> None:
    classifier = classifier_on(np.ones((SIDE, SIDE), bool), key="lungs")
    report = evaluate(classifier, table[table["split"] == "test"], tmp_path)
    assert (report["operating_points"], report["conformal"], list(report["splits"])) == ({}, None, ["test"])
    with pytest.raises(DataError, match="no test image with a label that 'lungs' knows"):
        evaluate(classifier, table[table["split"] == "val"], tmp_path)


def test_a_folder_without_a_report_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="evaluate --out"):
        read_report(tmp_path)
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(DataError, match="lacks model"):
        read_report(tmp_path)


def test_clusters_part_what_is_apart() -> None:
    rng = np.random.default_rng(0)
    near = [rng.normal(place, 0.1, (40, 5)) for place in (0, 20)]
    found = clusters(np.concatenate(near).astype(np.float16))
    assert not set(found[:40]) & set(found[40:])
    assert (clusters(np.zeros((3, 5), np.float16)) == 1).all()
