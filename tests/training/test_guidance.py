"""Guidance draws the evidence of a network to what radiologists marked, and makes it blind to the outline of the lungs."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image
from small_runs import CONFIG, segmenter

from covid_model.errors import RunError
from covid_model.images.preprocess import Preprocessing
from covid_model.models.specs import MODELS
from covid_model.training import classifier, image_cache
from covid_model.training.augment import Augmentation, mixed_spectrum
from covid_model.training.batches import OUTLINED, ImageBatches
from covid_model.training.config import Precision, TrainConfig
from covid_model.training.guidance import (
    attention_loss,
    evidence_by_class,
    group_tilt,
    inside,
    outline_loss,
    source_loss,
)
from covid_model.training.image_cache import SIDE, SmallImage, augmented
from covid_model.training.run_folder import RunFolder

SQUARE = np.zeros((SIDE, SIDE), bool)
SQUARE[SIDE // 4 : SIDE // 2, SIDE // 4 : SIDE // 2] = True


def test_attention_is_lost_only_where_the_evidence_for_the_true_class_is_off_the_marks() -> None:
    evidence = np.zeros((3, 2, 2, 2), np.float32)
    evidence[:, 0, 0, 1] = 20.0
    onehot = np.array([[0, 1], [0, 1], [1, 0]], np.float32)
    marks = np.zeros((3, 2, 2), np.float32)
    marks[0, 0, 0], marks[2, 0, 0] = 0.2, 1.0
    found = attention_loss(evidence, onehot, marks).numpy()
    assert found[0] == pytest.approx(0, abs=1e-4), "all attention on the mark, however little of the cell it covers"
    assert found[1] == 0, "no marks, no loss"
    assert found[2] == pytest.approx(np.log(4), rel=1e-4), "for its own class the evidence is the same everywhere"


def test_its_gradient_moves_evidence_to_the_marks() -> None:
    marks = np.array([[[1, 0], [0, 0]]], np.float32)
    evidence = tf.Variable(tf.zeros((1, 2, 2, 1)))
    with tf.GradientTape() as tape:
        loss = attention_loss(evidence, np.ones((1, 1), np.float32), marks)
    slope = tape.gradient(loss, evidence).numpy()[0, :, :, 0]
    assert slope[0, 0] < 0 < slope[1, 1]


def test_outlines_with_the_same_features_cost_nothing_and_those_of_the_images_stay_free() -> None:
    features = tf.Variable([[0.0, 1.0], [2.0, 5.0]])
    assert float(outline_loss(np.ones((4, 2), np.float32), features)) == 0
    with tf.GradientTape() as tape:
        loss = outline_loss(features * 0.5, features)
    assert float(loss) == pytest.approx(0.25, rel=1e-5)
    assert (np.sign(tape.gradient(loss, features).numpy()) == [[-1, -1], [1, 1]]).all()
    with tf.GradientTape() as tape:
        loss = outline_loss(np.eye(2, dtype=np.float32), features)
    assert tape.gradient(loss, features) is None


def test_sources_count_only_within_a_label() -> None:
    onehot = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    of_label, of_source = np.array([[0], [0], [4], [4]], np.float32), np.array([[0], [2], [4], [6]], np.float32)
    source = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    assert float(source_loss(of_label, onehot, source)) == 0
    assert float(source_loss(of_source, onehot, source)) == pytest.approx(4 / 20)
    assert float(source_loss(of_source, onehot, onehot)) == 0, "a source of one label each is not told from the label"


def test_smaller_features_do_not_lower_it() -> None:
    onehot, source = np.ones((4, 1), np.float32), np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    features = tf.Variable([[0.0], [2.0], [1.0], [3.0]])
    with tf.GradientTape() as tape:
        loss = source_loss(features, onehot, source)
    slope = tape.gradient(loss, features).numpy()[:, 0]
    assert float(loss) == pytest.approx(0.8)
    assert slope @ features.numpy()[:, 0] == pytest.approx(0, abs=1e-5), "no change along the features themselves"
    assert slope[1] > 0 > slope[2], "up where it sets the sources apart"


def test_the_worse_a_group_the_more_its_images_count() -> None:
    onehot, source = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]], np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    loss = np.array([0.0, 2.0, 3.0, 1.0], np.float32)
    found = group_tilt(loss, onehot, source, 0.5).numpy()
    parts = np.exp([0.5, 0.5, 1.5, 0.5])
    np.testing.assert_allclose(found, 4 * parts / parts.sum(), rtol=1e-5)
    np.testing.assert_allclose(group_tilt(loss, onehot, source, 0.0), 1, rtol=1e-6)
    worst = group_tilt(loss, onehot, source, 100.0).numpy()
    np.testing.assert_allclose(worst, [0, 0, 4, 0], atol=1e-5)


def test_a_tilted_loss_has_the_gradient_of_the_log_of_the_mean_exponential_of_group_losses() -> None:
    """Groups of as many images each, so that the mean over images is that over groups."""
    onehot, source = np.ones((4, 1), np.float32), np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    loss, tilt = tf.Variable([0.2, 0.4, 1.0, 2.0]), 2.0
    with tf.GradientTape(persistent=True) as tape:
        tilted = tf.reduce_mean(loss * group_tilt(loss, onehot, source, tilt))
        groups = tf.stack([tf.reduce_mean(loss[:2]), tf.reduce_mean(loss[2:])])
        direct = tf.math.log(tf.reduce_mean(tf.exp(tilt * groups))) / tilt
    np.testing.assert_allclose(tape.gradient(tilted, loss), tape.gradient(direct, loss), rtol=1e-5)


def test_a_network_without_a_mean_over_cells_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(
        RunError,
        match="guide, outline, alike, tilt need a network that ends in a mean over cells and one layer, "
        "which steveroger does not",
    ):
        classifier.start(RunFolder(tmp_path / "run"), replace(CONFIG, guide=1.0), table, segmenter())


def test_the_three_outputs_are_those_of_the_network() -> None:
    image = keras.Input((4, 4, 1), name="image")
    features = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Conv2D(3, 3)(image))
    network = keras.Model(image, keras.layers.Dense(2, name="logits")(features))
    batch = np.random.default_rng(0).random((2, 4, 4, 1)).astype(np.float32)
    logits, maps, features = inside(network)(batch)
    np.testing.assert_allclose(logits, network(batch), rtol=1e-5)
    np.testing.assert_allclose(features, tf.reduce_mean(maps, axis=(1, 2)), rtol=1e-5)


def small_network() -> keras.Model:
    image = x = keras.Input((64, 64, 3), name="image")
    for number in (1, 2):
        x = keras.layers.Conv2D(8, 5, 4, padding="same", activation="relu", name=f"conv{number}")(x)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(2, name="logits")(features), name="small")


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_guided_training_puts_its_evidence_on_the_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: Precision
) -> None:
    """Images with COVID-19 have two signs, a bright square that is marked and stripes that are not; either would do."""
    rng, rows = np.random.default_rng(0), []
    marked = np.zeros((96, 96), bool)
    marked[:32, :32] = True
    for number in range(24):
        grey = rng.normal(110, 10, (96, 96))
        if number % 2:
            grey[marked] += 100
            grey[64:, ::4] += 100
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(tmp_path / f"{number}.png")
        label = "COVID-19" if number % 2 else "Normal"
        rows.append((str(tmp_path / f"{number}.png"), "drawn", label, "train" if number < 16 else "val", f"{number:064x}"))
    table = pd.DataFrame(rows, columns=["path", "source", "label", "split", "digest"])

    class Marked:
        def __init__(self, path: str) -> None:
            self.path = Path(path)

        def masks(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
            return {"boxes": marked}

    paths = table.loc[table["label"] == "COVID-19", "path"]
    monkeypatch.setattr(image_cache, "marked_images", lambda _: [Marked(path) for path in paths])
    spec = replace(MODELS["steveroger"], build=small_network)
    monkeypatch.setattr(classifier, "get_model", lambda _: spec)
    config = replace(CONFIG, head_epochs=0, epochs=8, batch=8, steps=6, learning_rate=0.01, augmentation="none", ema=0.0)
    on_marks = {}
    for guide in (0.0, 1.0):
        run = RunFolder(tmp_path / f"guide-{guide}")
        training = classifier.start(run, replace(config, guide=guide, alike=guide, precision=precision), table, segmenter())
        assert training.train() == "finished"
        shown = inside(training.task.averaged)
        evidence = evidence_by_class(shown(training.task.validation.inputs)[1], shown.get_layer("logits").kernel).numpy()
        own = evidence[training.task.validation.label == spec.class_of("COVID-19"), :, :, spec.class_of("COVID-19")]
        places = [np.unravel_index(one.argmax(), one.shape) for one in own]
        on_marks[guide] = np.mean([row < 2 and column < 2 for row, column in places])
    assert on_marks[1.0] == 1.0 > on_marks[0.0]


def batches(marks: np.ndarray | None, **settings: float) -> ImageBatches:
    rng = np.random.default_rng(9)
    images = [SmallImage(rng.integers(0, 255, (SIDE, SIDE), np.uint8), SQUARE, marks) for _ in range(8)]
    config = TrainConfig("lungs", batch=8, augmentation="none", **settings)  # type: ignore[arg-type]
    spec = Preprocessing(size=(64, 64), region="lungs")
    return ImageBatches(
        images,
        np.arange(8) % 3,
        np.ones(8, np.float32),
        spec,
        3,
        config,
        cells=(4, 4),
        source=np.minimum(np.arange(8) % 3, 1),
    )


def test_a_guided_batch_holds_images_marks_by_cell_and_outlines() -> None:
    (images, marks, source, empty), onehot, _ = batches(SQUARE, guide=1.0).at(0, 0)
    assert (images.shape, onehot.shape) == ((8, 64, 64, 3), (8, 3))
    np.testing.assert_array_equal(source[:, 1], onehot[:, 1] + onehot[:, 2])
    assert marks.shape == (8, 4, 4)
    assert marks[0, 1, 1] == pytest.approx(1, abs=0.05)
    assert marks[0, 3, 3] == 0
    assert len(empty) == 8 // OUTLINED
    assert len(np.unique(empty[0])) <= 8, "a few greys at the edge, and no noise inside"
    assert batches(None, guide=1.0).at(0, 0)[0][1].max() == 0


def test_marks_move_with_the_image() -> None:
    pixels = np.where(SQUARE, np.uint8(255), np.uint8(0))
    moved = Augmentation(rotate=20, zoom=(0.8, 1.2), shift=0.1)
    found = augmented(SmallImage(pixels, np.ones_like(SQUARE), SQUARE), Preprocessing(), moved, np.random.default_rng(3))
    assert found.marks is not None
    np.testing.assert_allclose(found.marks, found.pixels, atol=1e-5)


def test_a_mixed_spectrum_keeps_what_is_where_and_takes_the_sharpness_of_another() -> None:
    rng = np.random.default_rng(0)
    edges = np.kron(rng.random((8, 8)), np.ones((8, 8))).astype(np.float32) * 0.5 + 0.25
    smooth = np.tile(np.linspace(0.2, 0.8, 64, dtype=np.float32), (64, 1))
    mixed = mixed_spectrum(edges, smooth, 0.3)
    assert np.corrcoef(mixed.ravel(), edges.ravel())[0, 1] > 0.8
    assert np.abs(np.diff(mixed)).mean() < 0.9 * np.abs(np.diff(edges)).mean()
    np.testing.assert_allclose(mixed_spectrum(edges, smooth, 0.0), edges, atol=1e-5)


def test_only_with_a_spectrum_do_batches_mix() -> None:
    plain, mixed = batches(None).at(0, 0)[0], batches(None, spectrum=0.5).at(0, 0)[0]
    assert np.abs(plain - mixed).max() > 0.1
    np.testing.assert_array_equal(mixed, batches(None, spectrum=0.5).at(0, 0)[0])
