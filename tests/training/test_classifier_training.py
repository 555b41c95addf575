import keras
import numpy as np
import pandas as pd
import pytest

from covid_model.films.preprocess import Preprocessing
from covid_model.training.classifier import ClassifierTraining, FilmBatches, film_weights
from covid_model.training.films_cache import SIDE, SmallFilm
from covid_model.training.lung_network import overlap_loss


def test_labels_weigh_the_same_and_so_do_the_sources_of_a_label() -> None:
    cells = {("Normal", "children"): 100, ("Normal", "adults"): 40, ("COVID-19", "adults"): 60}
    rows = [(label, source, "x") for (label, source), count in cells.items() for _ in range(count)]
    table = pd.DataFrame(rows, columns=["label", "source", "path"])
    total = pd.Series(film_weights(table)).groupby([table["label"], table["source"]]).sum()
    assert total["Normal", "children"] == pytest.approx(50, rel=1e-5)
    assert total["Normal", "adults"] == pytest.approx(50, rel=1e-5)
    assert total["COVID-19", "adults"] == pytest.approx(100, rel=1e-5)


def test_a_handful_of_films_does_not_rule_its_label() -> None:
    table = pd.DataFrame({"label": "Normal", "source": ["many"] * 199 + ["one"], "path": "x"})
    weight = film_weights(table)
    assert weight[-1] / weight[0] < 10
    assert weight.mean() == pytest.approx(1, rel=1e-5)


def batches(seed: int) -> FilmBatches:
    rng = np.random.default_rng(9)
    films = [SmallFilm(rng.integers(0, 255, (SIDE, SIDE), np.uint8), np.ones((SIDE, SIDE), bool)) for _ in range(8)]
    settings = ClassifierTraining(batch=4, seed=seed)
    return FilmBatches(films, np.arange(8) % 3, np.ones(8, np.float32), Preprocessing(size=(64, 64)), 3, settings)


def test_batches_repeat_with_the_seed_and_differ_between_epochs() -> None:
    first, same, other = batches(1), batches(1), batches(2)
    np.testing.assert_array_equal(first[0][0], same[0][0])
    assert np.abs(first[0][0] - other[0][0]).max() > 0.1
    before = first[0][0]
    first.on_epoch_end()
    assert np.abs(first[0][0] - before).max() > 0.1
    films, onehot, weight = first[1]
    assert films.shape == (4, 64, 64, 3)
    assert films.min() >= -1
    assert onehot.sum() == weight.sum() == 4


def test_overlap_loss_is_zero_for_a_sure_right_mask_and_large_for_a_wrong_one() -> None:
    truth = np.zeros((1, 16, 16, 1), np.float32)
    truth[:, 4:12, 4:12] = 1
    sure = (truth * 2 - 1) * 50
    right = float(keras.ops.mean(overlap_loss(truth, sure)))
    wrong = float(keras.ops.mean(overlap_loss(truth, -sure)))
    assert right < 0.01
    assert wrong > 10
