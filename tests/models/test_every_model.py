"""Every row of MODELS, shipped or only there to be trained: built, trained for a step, kept, explained."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from toys import eagerly

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.explain.methods.cam import GradCam
from covid_model.explain.target import class_target
from covid_model.models.float16_weights import read_float16_weights, write_float16_weights
from covid_model.models.specs import DEFAULT_MODEL, MODELS
from covid_model.training.classifier import ClassifierTask
from covid_model.training.distribute import one_worker
from covid_model.training.recipes import get_recipe
from covid_model.training.schedule import make_optimiser
from covid_model.training.train_step import make_step


@pytest.fixture
def as_it_runs(key: str) -> Iterator[None]:
    """Steps of one model are compiled, as in use: to compile those of a deep network takes a minute, to run one a second."""
    with eagerly(key != DEFAULT_MODEL):
        yield


@pytest.mark.usefixtures("as_it_runs")
@pytest.mark.parametrize("key", MODELS)
def test_it_is_built_trained_for_a_step_kept_and_explained(key: str, tmp_path: Path) -> None:
    row, config = MODELS[key], get_recipe(key).config
    spec = row.preprocessing
    table = pd.DataFrame([(label, split) for label in row.labels for split in ("train", "val")], columns=["label", "split"])
    task = ClassifierTask(row, replace(config, init="random", base=""), table, None, one_worker())  # type: ignore[arg-type]
    model = task.network
    assert model.input_shape == (None, *spec.size, spec.channels)
    assert [model.layers[0].name, model.layers[-1].name] == ["image", "logits"]
    images = np.random.default_rng(0).uniform(-1, 1, (2, *spec.size, spec.channels)).astype(np.float32)
    onehot = np.eye(len(row.classes), dtype=np.float32)[:2]
    before = model.get_layer("logits").get_weights()[0].copy()
    inputs: Any = images
    if task.guided is not None:  # marks on half of the cells, one source, every image as an outline, too
        marks = np.ones((2, *task.guided.outputs[1].shape[1:3]), np.float32)
        marks[:, ::2] = 0
        inputs = images, marks, np.ones((2, 1), np.float32), images
    step = make_step(task, make_optimiser(config), one_worker())
    loss, right, stop = (float(value) for value in step(inputs, onehot, np.full(2, 0.5, np.float32), 1e-3, np.float32(0)))
    assert np.isfinite(loss)
    assert right in (0, 1, 2)
    assert stop == 0
    assert np.abs(model.get_layer("logits").get_weights()[0] - before).max() > 0

    path = tmp_path / row.weights_name
    if row.float16:
        write_float16_weights(model, path)
        back = read_float16_weights(row, path)
    else:
        model.save(path)
        back = keras.saving.load_model(path, compile=False)
    for one, other in zip(model.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3, rtol=1e-3)

    target = class_target(row.classes[-1], row.classes, model.output_shape[-1])
    found = GradCam()(TensorFlowBackend(model), images[:1], target, layer=row.explanation_layers[0])
    assert found.shape == model.get_layer(row.explanation_layers[0]).output.shape[1:3]
    assert np.isfinite(found).all()
    assert all(len(model.get_layer(layer).output.shape) == 4 for layer in row.explanation_layers)
