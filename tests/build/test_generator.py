"""The generator: its training pairs and its way from noise to image by hand, and the images that ship."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from covid_model.backends.base import EMBEDDING
from covid_model.build.synthetic.choose import Nearness, TrainingImages, coarse, measure_samples, unit
from covid_model.build.synthetic.draw import GRAIN, Generator
from covid_model.build.synthetic.flow import ANY, FlowBatches, FlowTraining, train_stage
from covid_model.build.synthetic.network import build_flow_network
from covid_model.build.synthetic.stages import KINDS, SIDE, STAGES, FlowShape, FlowStage
from covid_model.data.synthetic_samples import RECORD, SAMPLES_FOLDER, shipped_samples
from covid_model.errors import RunError
from covid_model.images.read import load_image
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.classifier import load
from covid_model.models.predict import predict
from covid_model.models.user_models import row_of
from covid_model.training.checkpoint import LAST, read_state
from covid_model.training.run_folder import RunFolder


def images(count: int = 6) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (count, SIDE, SIDE), np.uint8)


@pytest.mark.parametrize("name", STAGES)
def test_a_training_pair_lies_on_a_straight_line_to_the_image(name: str) -> None:
    """The image that a pair leads to lies in [-1, 1]; what is left at x_t is noise of mean 0 and deviation 1."""
    stage = STAGES[name]
    batches = FlowBatches(images(), np.zeros(6, np.int32), stage, FlowTraining(batch=8))
    (picture, time, kind), target, weights = batches.at(0, 0)
    assert weights.sum() == pytest.approx(1)
    assert picture.shape == (8, stage.crop, stage.crop, 1 + stage.shape.conditions)
    part = time[:, None, None, None]
    image = picture[..., 1:] + target if stage.shape.conditions else picture + (1 - part) * target
    noise = (picture[..., :1] - part * image) / (1 - part)
    assert image.min() > -1.0001 and image.max() < 1.0001
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    assert set(kind) <= {0, ANY}


class Straight:
    """A network whose flow leads straight to one image, whatever the kind."""

    def __init__(self, target: float) -> None:
        self.target = target

    def predict_on_batch(self, given: list[NDArray[Any]]) -> NDArray[np.float32]:
        picture, time, _ = given
        if picture.shape[-1] == 2:
            return np.asarray(self.target - picture[..., 1:], np.float32)
        left = np.maximum(1 - time[:, None, None, None], 1e-3)
        return np.asarray((self.target - picture[..., :1]) / left, np.float32)


def test_following_a_straight_flow_arrives() -> None:
    networks: Any = {"draft": Straight(0.1), "enlarge": Straight(0.5)}
    drawn = Generator(networks).draw(*KINDS[0], seeds=[1, 2])
    assert drawn.shape == (2, SIDE, SIDE)
    assert abs(drawn.mean() - 0.75 * 255) < 0.5, "the second stage leads to 0.5 of [-1, 1]"
    assert drawn.std() == pytest.approx(GRAIN * 255, rel=0.05), "and only grain is added"
    assert np.array_equal(drawn[1], Generator(networks).draw(*KINDS[0], seeds=[2])[0]), "an image hangs on its seed alone"


def test_a_network_starts_at_rest_and_takes_any_size() -> None:
    network = build_flow_network(FlowShape(4, (8, 16), conditions=1, attention=False))
    out = network.predict_on_batch([np.ones((2, 32, 64, 2), np.float32), np.ones(2, np.float32), np.zeros(2, np.int32)])
    assert out.shape == (2, 32, 64, 1)
    assert not out.any()


def test_training_writes_weights_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from covid_model.build.synthetic import flow

    monkeypatch.setattr(flow, "BATCHES", 2)
    stage = FlowStage("draft", 64, 64, FlowShape(8, (8,), kinds=len(KINDS)), epochs=1)
    settings = FlowTraining(batch=2)
    train_stage(images(), np.zeros(6, np.int32), stage, tmp_path, settings=settings)
    train_stage(images(), np.zeros(6, np.int32), stage, tmp_path, epochs=2, settings=settings)
    lines = [json.loads(line) for line in (tmp_path / "draft" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    build_flow_network(stage.shape).load_weights(tmp_path / "draft.weights.h5")


def test_a_cut_training_draws_what_a_whole_one_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from covid_model.build.synthetic import flow

    monkeypatch.setattr(flow, "BATCHES", 2)
    stage = FlowStage("draft", 64, 64, FlowShape(8, (8,), kinds=len(KINDS)), epochs=2)
    settings, kinds, asked = FlowTraining(batch=2), np.zeros(6, np.int32), []
    assert train_stage(images(), kinds, stage, tmp_path / "whole", settings=settings) == "finished"

    def stop_in_the_second_epoch(self: RunFolder) -> bool:
        asked.append(1)
        return len(asked) == 3

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "asked_to_stop", stop_in_the_second_epoch)
        assert train_stage(images(), kinds, stage, tmp_path / "cut", settings=settings) == "stopped"
    assert train_stage(images(), kinds, stage, tmp_path / "cut", settings=settings) == "finished"
    states = [read_state(tmp_path / name / "draft" / "checkpoint" / LAST)[0] for name in ("whole", "cut")]
    for name, arrays in states[0].items():
        for one, other in zip(arrays, states[1][name], strict=True):
            np.testing.assert_array_equal(one, other)
    with pytest.raises(RunError, match="holds a run on other data"):
        train_stage(images(5), kinds[:5], stage, tmp_path / "cut", settings=settings)


def test_a_copy_is_found_mirrored_too() -> None:
    pixels = np.random.default_rng(1).random((3, 90, 80)).astype(np.float32)
    known = TrainingImages(np.stack([coarse(image) for image in pixels]), unit(np.eye(3)))
    copy = known.nearest(np.ascontiguousarray(pixels[1][:, ::-1]) * 0.5 + 0.2, np.array([0.0, 2.0, 0.0], np.float32))
    assert copy.correlation == pytest.approx(1, abs=1e-3)
    assert copy.embedding == pytest.approx(1)
    assert not copy.within(Nearness(0.95, 0.99))
    other = known.nearest(np.random.default_rng(2).random((64, 64)).astype(np.float32), np.ones(3, np.float32))
    assert other.correlation < 0.5


def test_images_are_measured_again_by_todays_models_and_stay_themselves(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    shutil.copytree(SAMPLES_FOLDER, folder)
    before = json.loads((folder / RECORD).read_text("utf-8"))
    row = before["samples"][3]
    row["predicted"], row["nearest"] = {"lungs": "nobody knows"}, {"correlation": 0.0, "embedding": 0.0}
    (folder / RECORD).write_text(json.dumps({**before, "samples": [row]}), "utf-8")
    classifier = load("lungs")
    image = load_image(folder / f"{row['name']}.png")
    features = predict(classifier, image, classifier.segmenter.find(image.pixels)).outputs[EMBEDDING]
    known, limit = TrainingImages(coarse(image.pixels)[None], unit(features)), Nearness(0.9, 0.8)
    table = pd.DataFrame({"digest": ["a"], "label": ["Normal"], "split": ["train"]})
    (found,) = measure_samples(folder, {"lungs": classifier}, known, limit, table)
    assert found.near.correlation == pytest.approx(1, abs=1e-3), "it is its own nearest image here"
    assert found.near.embedding == pytest.approx(1, abs=1e-3)
    record = json.loads((folder / RECORD).read_text("utf-8"))
    assert record["models"] == {"lungs": classifier.weights_digest}
    assert record["limit"]["correlation"] == 0.9
    (after,) = record["samples"]
    assert {name: after[name] for name in ("name", "seed", "digest")} == {
        name: row[name] for name in ("name", "seed", "digest")
    }
    assert after["predicted"]["lungs"] in classifier.card.classes
    assert after["nearest"]["embedding"] == pytest.approx(1, abs=1e-3)
    assert (record["generator"], record["tried"]) == (before["generator"], before["tried"])


def test_the_shipped_images_are_what_their_record_says() -> None:
    samples = shipped_samples()
    assert len(samples) >= 12
    segmenter = LungSegmenter.load()
    for sample in samples.values():
        image = load_image(sample.path)
        assert image.digest == sample.digest
        assert image.shape == (SIDE, SIDE)
        assert segmenter.find(image.pixels).quality == "good"
        assert sample.correlation <= sample.limits[0] and sample.embedding <= sample.limits[1]
        assert "synthetic" in sample.origin and str(sample.seed) in sample.origin
    agree = [
        prediction == row_of(key).merges.get(sample.label, sample.label)
        for sample in samples.values()
        for key, prediction in sample.predicted.items()
    ]
    assert np.mean(agree) > 0.8
