"""Cross-validation: nothing that is scored was trained on, and the scores are those of the predictions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_runs import CONFIG, segmenter

from covid_model.errors import RunError
from covid_model.evaluation.stored import probability_column
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.classifier import load
from covid_model.training import held_out
from covid_model.training.cross_validation import RECORD, cross_validate, folds
from covid_model.training.held_out import HIT, LEFT, NAMED, differences, scores
from covid_model.training.trainer import Trainer


@pytest.fixture
def rows(table: pd.DataFrame) -> pd.DataFrame:
    """The drawn images, two of each group, from two sources; four of them in the test split."""
    return table.assign(
        group=np.arange(len(table)) // 2,
        source=np.where(np.arange(len(table)) % 4 < 2, "here", "there"),
        split=np.where(np.arange(len(table)) < 20, "train", "test"),
    )


def test_every_image_is_tested_once_by_a_training_without_its_group(rows: pd.DataFrame) -> None:
    found = list(folds(rows, 4))
    tested = pd.concat([fold.table[fold.table["split"] == "test"] for fold in found])
    assert sorted(tested["digest"]) == sorted(rows["digest"][:20]), "the manifest's test images take no part"
    for fold in found:
        assert 4 <= (fold.table["split"] == "test").sum() <= 6
        assert (fold.table.groupby("group")["split"].nunique() == 1).all()
        assert set(fold.table["split"]) == {"train", "val", "test"}


def test_a_source_that_is_left_out_is_tested_whole_with_unseen_images_of_the_others(rows: pd.DataFrame) -> None:
    first, *_, last = folds(rows, 4, ["there"])
    assert last.name == "without there"
    splits = last.table.groupby("source")["split"].agg(set)
    assert splits["there"] == {"test"}
    assert splits["here"] == {"train", "val", "test"}
    others = last.table[last.table["source"] == "here"]
    pd.testing.assert_frame_equal(others, first.table.loc[others.index])


@pytest.mark.parametrize(
    ("count", "without", "sentence"),
    [(2, [], "at least 3 folds.*Received: 2"), (4, ["nowhere"], "no images of 'nowhere' to leave out; it has")],
)
def test_what_cannot_be_folded_is_one_sentence(rows: pd.DataFrame, count: int, without: list[str], sentence: str) -> None:
    with pytest.raises(RunError, match=sentence):
        list(folds(rows, count, without))


def predictions(cells: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    """Rows from (fold, source, label, probability of COVID-19), each image of a patient of its own."""
    table = pd.DataFrame(cells, columns=["fold", "source", "label", "covid"])
    table["class"] = table["label"].where(table["label"] == "COVID-19", "Not COVID-19")
    table["patient"] = [f"p{number}" for number in range(len(table))]
    table["digest"] = table["patient"] + table["fold"]
    return table.assign(
        **{probability_column("COVID-19"): table["covid"], probability_column("Not COVID-19"): 1 - table["covid"], NAMED: ""}
    )


def test_scores_of_predictions_with_known_answers() -> None:
    inside = [("fold-0", "both", "COVID-19", 0.9), ("fold-1", "both", "Normal", 0.8)]
    inside += [("fold-0", "one", "COVID-19", 0.2), ("fold-1", "chest_xray", "Normal", 0.95)]
    out = [("without new", "new", "COVID-19", value) for value in (0.9, 0.9, 0.9, 0.1)]
    out += [("without new", "new", "Normal", 0.95)]
    out += [("without new", "both", "Normal", value / 100) for value in range(0, 40, 2)]
    out += [("without new", "chest_xray", "Normal", 0.99), ("without new", "both", "COVID-19", 0.0)]
    found = scores(predictions(inside + out))
    without = {"without new/auc", "without new/sensitivity", "without new/auc_inside"}
    assert set(found) == {"auc/adults", "auc/both", "balanced_accuracy"} | without
    assert found["auc/both"]["value"] == 1
    assert found["auc/adults"]["value"] == 0.5, "children do not count"
    assert found["balanced_accuracy"]["value"] == 0.25, "one of two with COVID-19, none of two without"
    assert found["without new/sensitivity"]["value"] == 0.75
    assert found["without new/auc"]["value"] == pytest.approx((3 + 5.5 / 20) / 4), "0.1 is above five and ties none"
    assert found["without new/auc_inside"]["value"] == 0


def test_sources_that_are_named_and_lesions_that_are_hit_are_counted() -> None:
    cells = [("fold-0", "here", "COVID-19", 0.9)] * 4 + [("fold-1", "there", "COVID-19", 0.1)] * 2
    rows = predictions(cells)
    rows[NAMED] = ["here", "here", "here", "there", "there", ""]
    rows[f"{HIT}boxes"] = [1.0, 0.0, np.nan, np.nan, 1.0, np.nan]
    rows[f"{HIT}outlines"] = np.nan
    found = scores(rows)
    assert found[NAMED]["value"] == pytest.approx((3 / 4 + 1) / 2), "of the images whose source was asked for"
    assert found[f"{HIT}boxes"]["value"] == pytest.approx(2 / 3)
    assert f"{HIT}outlines" not in found, "nobody marked anything"


def test_pointing_on_a_source_that_the_training_has_not_seen() -> None:
    rows = predictions([(f"{LEFT}there", "there", "COVID-19", 0.9)] * 3 + [(f"{LEFT}there", "here", "Normal", 0.1)])
    rows[f"{HIT}outlines"], rows[f"{HIT}boxes"] = [1.0, 0.0, np.nan, 1.0], [np.nan, np.nan, np.nan, 1.0]
    found = scores(rows)
    assert found[f"{LEFT}there/{HIT}outlines"]["value"] == pytest.approx(1 / 2), "of its own images that were marked"
    assert f"{LEFT}there/{HIT}boxes" not in found


def test_a_difference_is_of_the_images_that_both_have_scored() -> None:
    cells = [("fold-0", "both", "COVID-19", value) for value in (0.9, 0.8, 0.3)]
    cells += [("fold-0", "both", "Normal", value) for value in (0.1, 0.2, 0.4)]
    rows = predictions(cells)
    assert differences(rows, rows)["auc/both"] == {"value": 0.0, "low": 0.0, "high": 0.0, "images": 6, "patients": 6}
    worse = rows.assign(**{probability_column("COVID-19"): 1 - rows[probability_column("COVID-19")]})
    found = differences(rows.iloc[1:], worse.iloc[:-1].iloc[::-1])["auc/both"]
    assert found["images"] == 4
    assert found["value"] == pytest.approx(1.0), "0.8 and 0.3 above 0.1 and 0.2, before the other way round"
    twice = pd.concat([rows, rows.iloc[:1]])
    assert differences(twice, rows)["auc/both"]["images"] == 6, "an image that stands in two collections counts once"


@pytest.mark.parametrize(("marked", "hit"), [(np.s_[:, :], 1.0), (np.s_[:0, :], 0.0)])
def test_held_out_images_are_pointed_at_and_their_source_is_named(
    rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, marked: tuple[slice, slice], hit: float
) -> None:
    class Marked:
        path, digest = Path(rows["path"].iloc[0]), rows["digest"].iloc[0]

        def masks(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
            mask = np.zeros(shape, bool)
            mask[marked] = True
            return {"boxes": mask}

    monkeypatch.setattr(LungSegmenter, "load", classmethod(lambda _: segmenter()))
    monkeypatch.setattr(held_out, "marked_images", lambda _: [Marked()])
    features = np.where(rows["source"].eq("here").to_numpy()[:, None], 1.0, 0.0) + np.zeros((1, 3))
    run = held_out.image_outputs
    monkeypatch.setattr(held_out, "image_outputs", lambda classifier, table: (run(classifier, table)[0], features))
    found = held_out.held_out(load("lungs"), rows, "fold-0")
    assert found[NAMED].tolist() == rows["source"].tolist(), "the features say it"
    assert found[f"{HIT}boxes"].tolist()[0] == hit
    assert found[f"{HIT}boxes"].isna().sum() == len(found) - 1
    assert np.allclose(found.filter(like="probability/").sum(axis=1), 1)


def test_trainings_are_scored_and_none_is_repeated(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LungSegmenter, "load", classmethod(lambda _: segmenter()))
    rows = rows.assign(group=range(len(rows)))
    config = replace(CONFIG, epochs=1, steps=2)
    first = cross_validate(config, rows, tmp_path, count=3, without=["there"], only_without=True)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"without there"}
    assert all(name.startswith("without there/") for name in first["scores"]) and first["folds"] == 0
    record = cross_validate(config, rows, tmp_path, count=3, without=["there"])
    assert record["folds"] == 3
    assert first["scores"] == {name: record["scores"][name] for name in first["scores"]}, "the first look is a part"
    assert record["scores"]["auc/adults"]["images"] == 20
    left = {name.removeprefix("without there/") for name in record["scores"] if name.startswith("without there/")}
    assert left == {"auc", "sensitivity", "auc_inside"}
    assert (tmp_path / RECORD).is_file()
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train", lambda _: pytest.fail("the fold was trained before"))
        again = cross_validate(config, rows, tmp_path, count=3, without=["there"])
    assert again["scores"] == record["scores"]
    with pytest.raises(RunError, match=r"fold-0 was begun with other settings"):
        cross_validate(replace(config, learning_rate=0.01), rows, tmp_path, count=3)
    with pytest.raises(RunError, match=r"fold-0 was begun with other images, labels or folds"):
        cross_validate(config, rows, tmp_path, count=4)


def test_without_folds_and_without_a_source_there_is_nothing_to_train(rows: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Nothing to train: name a source to leave out"):
        cross_validate(CONFIG, rows, tmp_path, only_without=True)


def test_a_model_without_the_finding_is_refused(rows: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="resnet50-pneumonia has no class COVID-19"):
        cross_validate(replace(CONFIG, model="resnet50-pneumonia"), rows, tmp_path)
