"""Probes on drawn features: what one source teaches, what it cannot, and what shuffled patches take away."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from covid_model.audit.shortcut_probes import Probes, _fit, source_by_label
from covid_model.data.filters import UNKNOWN


def drawn(labels: dict[str, tuple[str, ...]], each: int = 60) -> pd.DataFrame:
    """`each` images of a source, every fifth of them for the test. labels: source -> labels in turn."""
    rows = [
        (source, f"{source}{number}", names[number % len(names)], "test" if number % 5 < 2 else "train")
        for source, names in labels.items()
        for number in range(each)
    ]
    return pd.DataFrame(rows, columns=["source", "patient", "label", "split"])


def features_of(signal: np.ndarray) -> np.ndarray:
    """(n, 6) noise, with the signal (n,) in the first column."""
    noise = np.random.default_rng(0).normal(0, 1, (len(signal), 6))
    noise[:, 0] += 6 * signal
    return noise.astype(np.float32)


def test_a_marker_of_one_source_is_of_no_use_in_another() -> None:
    both = ("COVID-19", "Normal", "Pneumonia")
    rows = drawn({"a": both, "b": both})
    marked = (rows["label"] == "COVID-19") & (rows["source"] == "a")
    found = Probes(rows).between_sources(features_of(marked.to_numpy(float)))
    assert list(found) == list(found["a"]) == ["a", "b", "a + b"]
    assert found["a"]["a"]["low"] > 0.9
    assert found["a"]["b"]["low"] < 0.5 < found["a"]["b"]["high"]
    assert found["b"]["b"]["low"] < 0.5 < found["b"]["b"]["high"], "nothing is planted there"
    assert found["a + b"]["a + b"]["value"] > 0.6
    assert found["a"]["a + b"]["why"] == "a is on both sides"


def test_a_cell_that_cannot_be_computed_says_why() -> None:
    rows = drawn({"mixed": ("COVID-19", "Normal"), "sick": ("COVID-19",), "well": ("Normal",)})
    truth = (rows["label"] == "COVID-19").to_numpy(float)
    found = Probes(rows).between_sources(features_of(truth))
    assert list(found) == ["mixed", "sick", "well", "mixed + sick", "mixed + well", "sick + well"]
    assert found["mixed"]["sick + well"]["low"] > 0.9
    assert found["sick + well"]["mixed"]["low"] > 0.9
    assert found["mixed"]["sick"]["why"] == "sick has no test images without COVID-19"
    assert found["well"]["mixed"]["why"] == "well has no training images with COVID-19"
    assert found["well"]["mixed"]["value"] is None


def test_too_few_images_are_counted() -> None:
    rows = drawn({"a": ("COVID-19", "Normal"), "b": ("COVID-19", *("Normal",) * 19)})
    found = Probes(rows).between_sources(features_of(np.zeros(len(rows))))
    assert found["b"]["a"]["why"] == "b has no training images with COVID-19"
    assert found["a"]["b"]["why"] == "b has 3 test images with COVID-19"


def test_what_shuffled_patches_tell_is_taken_away() -> None:
    rows = drawn({"a": ("COVID-19", "Normal"), "b": ("COVID-19", "Normal")}, 100)
    truth = (rows["label"] == "COVID-19").to_numpy(float)
    probes, good, blind = Probes(rows), features_of(truth), features_of(np.zeros(len(rows)))
    everything, nothing = probes.left_elsewhere(good, good), probes.left_elsewhere(good, blind)
    assert everything["value"] == 0.5, "all that is told survives without anatomy"
    assert everything["low"] == everything["high"] == 0.5, "the same draws, so the difference does not vary"
    bias = max(0.0, probes.auc(blind, blind)["value"] - 0.5)
    assert abs(nothing["value"] - (probes.auc(good, good)["value"] - bias)) < 1e-9
    assert nothing["value"] > 0.85


def test_a_group_is_told_where_the_features_hold_it_and_unknown_ones_do_not_count() -> None:
    rows = drawn({"a": ("COVID-19", "Normal"), "b": ("COVID-19", "Normal")})
    view = np.where(np.arange(len(rows)) % 3 == 0, "AP", "PA")
    probes, features = Probes(rows), features_of((view == "AP").astype(float))
    assert probes.told(features, view)["low"] > 0.9
    some = np.where(np.arange(len(rows)) % 2 == 0, view, UNKNOWN)
    assert probes.told(features, some)["images"] == int(((rows["split"] == "test") & (some != UNKNOWN)).sum())
    assert probes.told(features, np.full(len(rows), UNKNOWN))["value"] is None


@pytest.mark.parametrize("groups", [2, 3])
def test_more_features_than_images_are_fitted_as_scikit_learn_fits_them(groups: int) -> None:
    random = np.random.default_rng(0)
    label = np.arange(60) % groups
    features = random.normal(size=(60, 500)).astype(np.float32) * random.uniform(0.1, 9, 500).astype(np.float32)
    features[:, 7] += 20 * label
    new = random.normal(size=(20, 500)).astype(np.float32)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    exact = LogisticRegression(C=0.01, class_weight="balanced", max_iter=5000, tol=1e-8)
    expected = exact.fit((features - mean) / scale, label).decision_function((new - mean) / scale)
    np.testing.assert_allclose(_fit(features, label)(new), expected, atol=2e-3)


def test_the_label_alone_names_the_sources_that_hold_one_label() -> None:
    rows = drawn({"sick": ("COVID-19",), "well": ("Normal",), "mixed": ("COVID-19", "Normal", "Pneumonia", "Pneumonia")})
    rows = rows.rename(columns={"label": "class"}).assign(digest=rows["patient"])
    assert source_by_label(rows)["value"] is None, "there are no validation images"
    rows["split"] = rows["split"].replace("train", "val")
    found = source_by_label(rows)
    assert found["images"] == (rows["split"] == "test").sum()
    pneumonia = (rows["class"] == "Pneumonia")[(rows["source"] == "mixed") & (rows["split"] == "test")].mean()
    assert found["value"] == pytest.approx((1 + 1 + pneumonia) / 3)
    unseen = rows[(rows["split"] == "test") | (rows["class"] != "Pneumonia")]
    assert source_by_label(unseen)["value"] == pytest.approx(2 / 3), "a label without validation images names nothing"
