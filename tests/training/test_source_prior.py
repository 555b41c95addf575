"""What the source says of the label is given to the network in training, so that it need not learn to tell sources."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from small_runs import CONFIG, lines, segmenter

from covid_model.errors import RunError
from covid_model.training import classifier
from covid_model.training.losses import classification_loss
from covid_model.training.run_folder import RunFolder
from covid_model.training.source_prior import groups_of, source_offsets


def test_offsets_are_the_shares_of_the_training_images() -> None:
    rows = pd.DataFrame({"source": ["mixed"] * 4 + ["one"] * 2})
    others = pd.DataFrame({"source": ["one", "new"]})
    label = np.array([0, 1, 1, 1, 2, 2])
    found = source_offsets(rows, label, [0, 1, 2], 0.3)
    shares = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares[0], [0.7 / 4 + 0.1, 0.7 * 3 / 4 + 0.1, 0.1], rtol=1e-5)
    np.testing.assert_allclose(shares[4], [0.1, 0.1, 0.8], rtol=1e-5)
    of_others = source_offsets(rows, label, [0, 1, 2], 0.3, of=others)
    np.testing.assert_array_equal(of_others, [found[4], [0, 0, 0]])
    np.testing.assert_allclose(source_offsets(rows, label, [0, 1, 2], 1.0), 0, atol=1e-6)


def test_a_prior_over_normal_or_not_leaves_the_findings_alone(table: pd.DataFrame, tmp_path: Path) -> None:
    rows = pd.DataFrame({"source": ["mixed"] * 4 + ["ill"] * 2})
    groups = groups_of(["COVID-19", "Pneumonia", "Normal"], "normal")
    found = source_offsets(rows, np.array([0, 1, 2, 2, 0, 1]), groups, 0.2)
    np.testing.assert_allclose(found[0], 0, atol=1e-6)
    assert found[4, 0] == found[4, 1]
    assert np.exp(found[4, 0] - found[4, 2]) == pytest.approx(0.9 / 0.1, rel=1e-5)
    with pytest.raises(RunError, match="needs a class Normal; the classes are Not COVID-19, COVID-19"):
        classifier.start(RunFolder(tmp_path / "run"), replace(CONFIG, prior_over="normal"), table, segmenter())


def test_the_loss_adds_them_to_several_units_and_to_one() -> None:
    onehot, offset = np.array([[0, 1]], np.float32), np.array([[-1, 2]], np.float32)
    logits, one = np.array([[0.5, 0.25]], np.float32), np.array([[-0.25]], np.float32)
    for found in (classification_loss(logits, onehot, 0.0, offset), classification_loss(one, onehot, 0.0, offset)):
        assert float(found[0]) == pytest.approx(np.log1p(np.exp(-2.75)))


def learnt(floor: float) -> np.ndarray:
    """Weights (features, classes) of a softmax regression on two features: is it of the source with one label, and a weak
    sign of the label that both sources have.
    """
    rng = np.random.default_rng(0)
    label = np.concatenate([np.zeros(400, np.int64), rng.integers(0, 2, 400)])
    rows = pd.DataFrame({"source": ["one"] * 400 + ["both"] * 400})
    sign = np.where(rng.random(800) < 0.8, label, 1 - label)
    features = np.stack([rows["source"] == "one", sign, np.ones(800)], axis=1).astype(np.float32)
    offset, onehot = source_offsets(rows, label, [0, 1], floor), np.eye(2, dtype=np.float32)[label]
    weights = tf.Variable(tf.zeros((3, 2)))
    for _ in range(400):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(classification_loss(features @ weights, onehot, 0.0, offset))
        weights.assign_sub(tape.gradient(loss, weights))
    return weights.numpy()


def test_a_network_with_the_prior_leaves_the_shortcut_and_learns_the_sign() -> None:
    found = {floor: learnt(floor) for floor in (1.0, 0.1, 0.001)}
    source = {floor: weights[0, 0] - weights[0, 1] for floor, weights in found.items()}
    sign = {floor: weights[1, 1] - weights[1, 0] for floor, weights in found.items()}
    assert source[1.0] > 5, "without the prior it recognises the source"
    assert source[0.1] < 0.6 * source[1.0]
    assert abs(source[0.001]) < 0.3
    assert sign[0.1] == pytest.approx(sign[1.0], rel=0.02)
    assert sign[0.001] == pytest.approx(sign[1.0], rel=0.02)


def test_a_run_with_the_prior_trains_and_validates_with_it(table: pd.DataFrame, tmp_path: Path) -> None:
    rows = table.assign(source=np.where(table["label"] == "COVID-19", "there", "here"))
    config = replace(CONFIG, learning_rate=1e-6, head_learning_rate=1e-6)
    losses = {}
    for floor in (0.0, 0.01):
        run = RunFolder(tmp_path / str(floor))
        assert classifier.start(run, replace(config, source_prior=floor), rows, segmenter()).train() == "finished"
        losses[floor] = lines(run, "step")[0]["loss"], lines(run, "epoch")[0]["val_loss"]
    for plain, given in zip(*losses.values(), strict=True):
        assert given < plain / 2, "the source answers"
    with pytest.raises(RunError, match=r"between 0, for none, and 1. Received: 1.5"):
        replace(CONFIG, source_prior=1.5)
