"""Planted attributes are found encoded and used where they are, and where nothing is planted the ledger stays silent."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from PIL import Image
from toy_models import IMAGE, SIDE, FixedLungs, classifier_on, corner, image_with, lung_area

from covid_model.audit.attribute_tests import Stratum, class_directions, directions, encoded, sensitive, shuffled, used
from covid_model.audit.attributes import GROUPS, audit_attributes, strata_of
from covid_model.audit.dense_features import GRID, DenseFeatures, pooled
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.data.filters import UNKNOWN
from covid_model.data.manifest import COLUMNS
from covid_model.errors import DataError
from covid_model.models.predict import predict
from covid_model.trust.ledger import ATTRIBUTES, decisive, headline, ledger, load_attributes

CLASSES = ("COVID-19", "Normal")


def test_a_view_is_known_only_where_it_is_pa_or_ap() -> None:
    rows = pd.DataFrame({"view": ["PA", "AP Supine", "AP", "FRONTAL", "", None]})
    assert GROUPS["view"](rows).tolist() == ["PA", "AP", "AP", UNKNOWN, UNKNOWN, UNKNOWN]


def strata(images: int, rng: np.random.Generator, each: int = 2) -> list[Stratum]:
    """Two labels; the attribute is "a" or "b" by patient, of whom everyone has `each` images."""
    found = []
    for number in range(2):
        owner = np.repeat(np.arange(images // each), each)
        group = np.where(rng.random(images // each) < 0.5, "a", "b")[owner]
        rows = np.arange(images) + number * images
        found.append(Stratum(rows, group, np.array([f"p{number}/{one}" for one in owner])))
    return found


def features(parts: list[Stratum], rng: np.random.Generator, shift: np.ndarray) -> np.ndarray:
    """Noise of unit deviation, moved by `shift` (f,) for images of group "a"."""
    rows = np.concatenate([part.rows for part in parts])
    made = rng.normal(0, 1, (len(rows), len(shift)))
    made[rows] += np.concatenate([part.group == "a" for part in parts])[:, None] * shift
    return made


WEIGHTS = np.zeros((2, 12))
WEIGHTS[0, 0] = 1.0
ALONG, ACROSS = np.eye(12)[0], np.eye(12)[5]


@pytest.mark.parametrize(
    ("shift", "is_encoded", "is_used"),
    [(3 * ALONG, True, True), (3 * ACROSS, True, False), (0 * ALONG, False, False)],
    ids=["used", "encoded only", "absent"],
)
def test_what_is_planted_is_what_is_found(shift: np.ndarray, is_encoded: bool, is_used: bool) -> None:
    rng = np.random.default_rng(0)
    parts = strata(120, rng)
    made = features(parts, rng, shift)
    probe, follows = encoded(made, parts), used(made @ WEIGHTS.T, parts, CLASSES, made, WEIGHTS)
    assert (probe["found"], follows["found"]) == (is_encoded, is_used)
    assert 0.4 < probe["shuffled"] < 0.6
    if is_used:
        assert (follows["class"], follows["group"]) == ("COVID-19", "a")
        # 3 of a deviation of sqrt(1 + 9/4) within a label: noise, and the shift itself
        assert follows["value"] == pytest.approx(3 / np.sqrt(1 + 9 / 4), rel=0.1)
        assert follows["alignment"] > 0.95
    if not is_encoded:
        assert probe["low"] < 0.5 < probe["high"]


def test_the_tests_rarely_accuse_where_nothing_is_planted() -> None:
    rng, accused = np.random.default_rng(1), []
    for _ in range(60):
        parts = strata(60, rng, each=3)
        made = rng.normal(0, 1, (120, 12)) + np.repeat(rng.normal(0, 1, (40, 12)), 3, axis=0)  # alike within patients
        accused.append(used(made @ WEIGHTS.T, parts, CLASSES)["found"])
    assert np.mean(accused) < 0.15, "5% is promised, of patients and not of images"


def test_a_direction_is_the_difference_of_means_within_labels() -> None:
    one = Stratum(np.arange(4), np.array(["a", "a", "b", "b"]), np.array(list("pqrs")))
    two = Stratum(np.arange(4, 8), np.array(["a", "b", "b", "b"]), np.array(list("tuvw")))
    made = np.array([3, 1, 0, 0, 14, 10, 10, 10], float)[:, None]
    expected = (1.0 * 2 + 0.75 * 4) / 1.75  # weighted by n1 n2 / (n1 + n2): 1 and 3/4
    assert directions(made, [one, two], [one.group, two.group], ["a"])[0, 0] == pytest.approx(expected)


def test_shuffling_keeps_counts_and_patients_together() -> None:
    rng = np.random.default_rng(2)
    patients = np.repeat([f"{number}" for number in range(30)], 4)
    group = np.repeat(np.where(np.arange(30) < 10, "a", "b"), 4)
    dealt = shuffled(group, patients, rng)
    assert (dealt == "a").sum() == (group == "a").sum()
    assert not np.array_equal(dealt, group)
    for patient in np.unique(patients):
        assert len(set(dealt[patients == patient])) == 1


def test_small_groups_and_labels_with_one_group_are_left_out() -> None:
    rows = pd.DataFrame({"label": ["COVID-19"] * 45 + ["Normal"] * 40, "patient": [f"{k}" for k in range(85)]})
    view = pd.Series(["PA"] * 20 + ["AP"] * 20 + ["not stated"] * 2 + ["other"] * 3 + ["PA"] * 40)
    found = strata_of(rows, view)
    assert list(found) == ["COVID-19"]
    assert sorted(set(found["COVID-19"].group)) == ["AP", "PA"]
    assert len(found["COVID-19"].rows) == 40


def two_dense() -> keras.Model:
    """(12, 12, 1) -> 2 channels -> dense 5, ReLU -> dense 2."""
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 1), name="image")
    flat = layers.Flatten(name="flat")(layers.Conv2D(2, 1, name="conv")(image))
    return keras.Model(image, layers.Dense(2, name="logits")(layers.Dense(5, activation="relu", name="dense")(flat)))


def test_slopes_are_what_forward_passes_give() -> None:
    network = two_dense()
    classifier = classifier_on(lung_area(SIDE))
    classifier.engines = TensorFlowBackend(network)
    measured = DenseFeatures(classifier)
    batch = np.random.default_rng(0).normal(0, 1, (1, 12, 12, 1)).astype(np.float32)
    found = measured.of(batch)
    assert found.first is not None and found.slopes is not None and measured.weights is not None
    assert (found.last.shape, measured.weights.shape) == ((5,), (2, 5))
    assert (found.first.shape, found.slopes.shape) == ((GRID * GRID * 2,), (2, GRID * GRID * 2))
    above = keras.Model(network.get_layer("flat").output, network.output)
    flat = keras.Model(network.input, network.get_layer("flat").output)(batch).numpy()
    step = np.zeros((12, 12, 2), np.float32)
    step[3:6, 6:9, 1] = 1e-2  # the second row and third column of areas, channel 1
    ahead, behind = (above(flat + sign * step.reshape(1, -1)).numpy()[0] for sign in (1, -1))
    place = (1 * GRID + 2) * 2 + 1
    np.testing.assert_allclose(found.slopes[:, place], (ahead - behind) / 2e-2, rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(found.first[place], flat.reshape(12, 12, 2)[3:6, 6:9, 1].mean(), rtol=1e-5)


def test_pooling_keeps_means_and_sums_of_sides_that_do_not_divide() -> None:
    values = np.random.default_rng(0).random((3, 7 * 9 * 2)).astype(np.float32)
    assert pooled(values, (7, 9, 2), total=True).sum() == pytest.approx(values.sum(), rel=1e-5)
    even = pooled(np.ones((1, 7 * 9 * 2), np.float32), (7, 9, 2))
    np.testing.assert_allclose(even, 1.0)
    assert pooled(values[:, :8], (2, 2, 2)) is not None and pooled(values[:, :8], (2, 2, 2)).shape == (3, 8)


def test_sensitivity_is_the_share_of_images_whose_score_rises() -> None:
    rng = np.random.default_rng(3)
    parts = strata(60, rng)
    made = features(parts, rng, 4 * ALONG)
    slopes = np.zeros((120, 1, 12))
    slopes[:90, 0, 0], slopes[90:, 0, 0] = 1.0, -1.0
    found = sensitive(made, slopes, parts, (0, "a"))
    assert found["share"] == pytest.approx(0.75)
    assert found["shuffled_low"] == pytest.approx(0.25), "a random direction along it has the other sign as often"
    assert not found["found"]
    assert class_directions(WEIGHTS)[0].tolist() == (WEIGHTS[0] - WEIGHTS[1]).tolist()


def drawn(folder: Path, images: int = 160) -> pd.DataFrame:
    """Noisy images of two sources of which one burns a white square into the corner; labels differ in the lungs."""
    rows = []
    for number in range(images):
        rng = np.random.default_rng(number)
        sick, source = number % 2 == 0, ("clean", "marking")[(number // 2) % 2]
        pixels = rng.normal(70, 12, (IMAGE, IMAGE))
        pixels[lung_area(IMAGE)] += 50 if sick else 0
        if source == "marking":
            pixels[4:14, -14:-4] = 250
        path = folder / f"{number}.png"
        Image.fromarray(pixels.clip(1, 254).astype(np.uint8)).save(path)
        known = {"path": str(path), "source": source, "patient": f"p{number}", "digest": f"{number:064x}", "split": "test"}
        rows.append(dict.fromkeys(COLUMNS, "") | known | {"label": "COVID-19" if sick else "Normal", "age": np.nan})
    return pd.DataFrame(rows)


def test_a_model_of_the_marker_uses_it_and_a_model_of_the_lungs_does_not(tmp_path: Path) -> None:
    table = drawn(tmp_path)
    found = {name: audit_attributes(classifier_on(area), table, tmp_path) for name, area in
             (("marker", corner(SIDE)), ("lungs", lung_area(SIDE)))}  # fmt: skip
    assert json.loads((tmp_path / "toy.attributes.json").read_text()) == found["lungs"]
    for name, record in found.items():
        source = record["attributes"]["source"]
        assert source["encoded"]["found"], "both models hand the corner to their dense layer"
        assert source["encoded"]["low"] > 0.9
        assert source["used"]["found"] == (name == "marker"), name
        assert (source["images"], source["patients"]) == (160, 160)
        assert source["groups"]["COVID-19"] == {"clean": 40, "marking": 40}
        assert record["attributes"]["sex"]["encoded"] is None, "no sex is stated"
    assert found["marker"]["attributes"]["source"]["used"]["group"] in ("clean", "marking")
    assert load_attributes("toy", "1" * 64, tmp_path) == found["lungs"]
    assert load_attributes("toy", "2" * 64, tmp_path) == {}
    rows = ledger(found["marker"])
    assert headline(rows[0]) == "Source: encoded, used"
    assert rows[list(ATTRIBUTES).index("sex")].encoded == "not measured: too few images"


def test_without_images_that_were_not_trained_on_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no validation or test images"):
        audit_attributes(classifier_on(corner(SIDE)), drawn(tmp_path, 4).assign(split="train"), tmp_path)


def test_an_edit_decides_for_the_model_that_reads_the_marker_only() -> None:
    mark = np.zeros((IMAGE, IMAGE), bool)
    mark[2:10, -10:-2] = True
    changes = {}
    for name, area in (("marker", corner(SIDE)), ("lungs", lung_area(SIDE))):
        classifier, image = classifier_on(area, strength=20.0), image_with(mark | lung_area(IMAGE), background=0.5)
        changes[name] = decisive(classifier, image, predict(classifier, image))
    assert set(changes["marker"]) == {"source", "markers"}
    assert changes["marker"]["markers"].by < -0.1
    assert abs(changes["lungs"]["markers"].by) < 0.005
    rows = {row.title: row.decisive for row in ledger({}, changes["lungs"])}
    assert rows["Burned-in markers"] == "edits of markers do not change this answer"
    assert rows["Source"].startswith(("edits of border and tone do not change", "changes this answer"))
    assert rows["Sex"] == "sex cannot be edited"
    assert ledger({}, changes["marker"])[-1].decisive.startswith("changes this answer by -0.")
    assert ledger({})[0].encoded == "not measured"
    assert ledger({}, {})[0].decisive == "not edited: no lungs were found"
    unseen = predict(classifier, image, FixedLungs(np.zeros((IMAGE, IMAGE), bool), "failed").found)
    assert decisive(classifier, image, unseen) == {}
