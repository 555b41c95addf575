import numpy as np
import pandas as pd
import pytest

from covid_model.images.preprocess import Preprocessing
from covid_model.training.batches import HEAVIEST, ImageBatches, image_weights
from covid_model.training.config import TrainConfig
from covid_model.training.image_cache import SIDE, SmallImage
from covid_model.training.losses import classification_loss
from covid_model.training.recipes import RECIPES, recipe_table
from covid_model.training.schedule import phases


def labelled(cells: dict[tuple[int, str], int]) -> tuple[pd.DataFrame, np.ndarray]:
    rows = [(label, source) for (label, source), count in cells.items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=["label", "source"])
    return table, table["label"].to_numpy(np.int64)


def test_labels_weigh_the_same_and_so_do_the_sources_of_a_label() -> None:
    table, label = labelled({(0, "children"): 100, (0, "adults"): 40, (1, "adults"): 60})
    total = pd.Series(image_weights(table, "label and source", label)).groupby([table["label"], table["source"]]).sum()
    assert total[0, "children"] == pytest.approx(50, rel=1e-5)
    assert total[0, "adults"] == pytest.approx(50, rel=1e-5)
    assert total[1, "adults"] == pytest.approx(100, rel=1e-5)
    by_label = pd.Series(image_weights(table, "label", label)).groupby(table["label"]).sum()
    assert by_label[0] == pytest.approx(by_label[1], rel=1e-5)
    assert (image_weights(table, "none", label) == 1).all()


def test_a_handful_of_images_does_not_rule_its_label() -> None:
    table, label = labelled({(0, "many"): 199, (0, "one"): 1})
    weight = image_weights(table, "label and source", label)
    assert weight[-1] / weight[0] < 2 * HEAVIEST
    assert weight.mean() == pytest.approx(1, rel=1e-5)


def batches(seed: int, steps: int = 0, **workers: int) -> ImageBatches:
    rng = np.random.default_rng(9)
    images = [SmallImage(rng.integers(0, 255, (SIDE, SIDE), np.uint8), np.ones((SIDE, SIDE), bool)) for _ in range(8)]
    config = TrainConfig("lungs", batch=4, steps=steps, seed=seed)
    return ImageBatches(images, np.arange(8) % 3, np.ones(8, np.float32), Preprocessing(size=(64, 64)), 3, config, **workers)


def test_any_batch_can_be_made_again_and_seeds_and_epochs_differ() -> None:
    np.testing.assert_array_equal(batches(1).at(0, 1)[0], batches(1).at(0, 1)[0])
    assert np.abs(batches(1).at(0, 1)[0] - batches(2).at(0, 1)[0]).max() > 0.1
    assert np.abs(batches(1).at(0, 0)[0] - batches(1).at(1, 0)[0]).max() > 0.1
    images, onehot, weight = batches(1).at(0, 0)
    assert images.shape == (4, 64, 64, 3)
    assert onehot.sum() == 4
    np.testing.assert_allclose(weight, 0.25)


def test_workers_share_a_batch_out_among_themselves() -> None:
    whole = batches(1)
    parts = [batches(1, worker=worker, workers=3).at(0, 1) for worker in range(3)]
    assert [len(part[0]) for part in parts] == [2, 1, 1]
    for place, values in enumerate(whole.at(0, 1)):
        joined = np.empty_like(values)
        for worker, part in enumerate(parts):
            joined[worker::3] = part[place]
        np.testing.assert_array_equal(joined, values)


def test_the_pipeline_gives_the_batches_in_order() -> None:
    made = batches(3, steps=5)
    assert made.steps == 5
    for step, (images, onehot, _) in enumerate(made.epoch(2)):
        np.testing.assert_array_equal(images, made.at(2, step)[0])
        np.testing.assert_array_equal(onehot, made.at(2, step)[1])
    assert step == 4


def test_every_image_is_seen_once_a_pass() -> None:
    made = batches(0)
    labels = np.concatenate([made.at(0, step)[1].argmax(axis=1) for step in range(made.steps)])
    assert sorted(labels) == sorted(np.arange(8) % 3)


def test_the_rate_warms_up_and_falls() -> None:
    config = TrainConfig("lungs", epochs=10, learning_rate=1e-3)
    rates = [phases(config)[1].rate(step, 100, 10) for step in range(100)]
    assert rates[0] == pytest.approx(5e-5)
    assert max(rates) == pytest.approx(1e-3)
    assert np.argmax(rates) == 10
    assert rates[-1] < 2e-5
    assert phases(TrainConfig("lungs", cosine=False, learning_rate=1e-3))[1].rate(77, 100, 10) == 1e-3


def test_losses_are_those_of_the_books() -> None:
    logits = np.array([[0.0, 0.0]], np.float32)
    assert float(classification_loss(logits, np.array([[0, 1]], np.float32), 0.0)[0]) == pytest.approx(np.log(2))
    one = np.array([[3.0]], np.float32)
    assert float(classification_loss(one, np.array([[0, 1]], np.float32), 0.0)[0]) == pytest.approx(np.log1p(np.exp(-3)))
    assert float(classification_loss(one, np.array([[1, 0]], np.float32), 0.0)[0]) == pytest.approx(np.log1p(np.exp(3)))


def test_recipes_hold_the_numbers_their_authors_gave() -> None:
    cnn = RECIPES["interpretable-cnn"]
    assert (cnn.config.batch, cnn.config.epochs, cnn.config.steps) == (32, 10, 8)
    assert sum(most for _, most in cnn.images.values()) == 304 + 56
    assert round(cnn.by_image * 360) == 56
    assert cnn.config.augmentation == "shear, zoom and flip"
    assert RECIPES["anshul"].config.augmentation == "shear and zoom", "no mirrored images"
    assert all(most == 150 for _, most in RECIPES["anshul"].images.values())


def test_a_recipe_draws_its_images_and_splits_by_image_but_never_from_the_test_patients() -> None:
    rows = [
        (f"{source}{number}", source, label, "test" if number % 5 == 0 else "train")
        for source, label in (("covid-chestxray-dataset", "COVID-19"), ("chest_xray", "Normal"), ("nih", "Normal"))
        for number in range(300)
    ]
    table = pd.DataFrame(rows, columns=["path", "source", "label", "split"])
    drawn = recipe_table(table, RECIPES["anshul"])
    assert drawn["label"].value_counts().to_dict() == {"COVID-19": 150, "Normal": 150}
    assert set(drawn["source"]) == {"covid-chestxray-dataset", "chest_xray"}
    assert (drawn["split"] == "val").sum() == 60
    forbidden = set(table.loc[table["split"] == "test", "path"])
    assert not forbidden & set(drawn["path"])
    assert len(recipe_table(table, RECIPES["lungs"])) == len(table)
