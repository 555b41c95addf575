"""ONNX graphs answer as their Keras networks do, one image like another, and are left aside where they are not right."""

import json
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from covid_model.backends import engines as engines_module
from covid_model.backends.engines import GraphEngines, engines_of
from covid_model.backends.graphs import (
    TOLERANCE,
    compared,
    difference,
    graph_path,
    noise,
    read_graph,
    record_path,
    write_graph,
)
from covid_model.backends.onnx import GRADIENTS, OnnxBackend
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.build.graphs import LUNG_NETWORK, SHIPPED_GRAPHS
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.errors import ExplainError, ModelError
from covid_model.explain.methods import METHODS
from covid_model.explain.target import resolve_target
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.images.preprocess import resized
from covid_model.images.read import load_image, read_image
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import NETWORK, OUTPUTS, LungSegmenter
from covid_model.models.classifier import Classifier, load
from covid_model.settings import WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "5" * 64
CLOSE = {"logits": 1e-5, "embedding": 1e-5}
"""Largest difference of an output as a share of its largest magnitude (of 1 where that is smaller); layers: TOLERANCE."""
MODELS = [key for key in SHIPPED_GRAPHS if key != LUNG_NETWORK]


@pytest.fixture(scope="module")
def images() -> list[XrayImage]:
    drawn = [read_image(phantom_png(phantom)) for phantom in PHANTOMS.values()]
    return drawn + [load_image(sample.path) for sample in shipped_samples().values()]


def real(folder: Path) -> list[XrayImage]:
    found = []
    for place in ("NIH-ChestXray14/images", "chest_xray/test/NORMAL", "chest_xray/test/PNEUMONIA"):
        found += [load_image(path) for path in sorted((folder / place).iterdir())[:5]]
    return found


def hold(classifier: Classifier, images: list[XrayImage]) -> None:
    """Every output of the model's graph against its Keras network on each image."""
    graph = classifier.forward
    assert isinstance(graph, OnnxBackend)
    layer = classifier.card.explanation_layers[0]
    for image in images:
        batch = classifier.prepare(image).batch
        found = compared(graph, classifier.gradients, classifier.card.graph_outputs, batch)
        assert found.keys() == {*classifier.card.graph_outputs, GRADIENTS + layer}
        assert all(value <= CLOSE.get(name, TOLERANCE) for name, value in found.items()), found


def hold_lungs(segmenter: LungSegmenter, images: list[XrayImage]) -> None:
    graph = segmenter.engines.forward
    assert isinstance(graph, OnnxBackend)
    for image in images:
        batch = np.repeat((resized(image.pixels, (256, 256)) * 2 - 1)[None, ..., None], 3, axis=-1)
        found = compared(graph, segmenter.engines.gradients, OUTPUTS, batch)
        assert found.keys() == set(OUTPUTS)
        assert max(found.values()) <= 1e-5, found


@pytest.mark.parametrize("key", MODELS)
def test_a_shipped_graph_answers_as_its_network_does(key: str, images: list[XrayImage]) -> None:
    hold(load(key), images)


@pytest.mark.parametrize("key", MODELS)
def test_a_shipped_graph_answers_as_its_network_does_on_real_images(key: str, real_images: Path) -> None:
    hold(load(key), real(real_images))


def test_the_lung_graph_answers_as_its_network_does(images: list[XrayImage]) -> None:
    hold_lungs(LungSegmenter.load(), images)


def test_the_lung_graph_answers_as_its_network_does_on_real_images(real_images: Path) -> None:
    hold_lungs(LungSegmenter.load(), real(real_images))


def test_the_shipped_graphs_are_small_enough_for_the_repository() -> None:
    assert sum(graph_path(WEIGHTS, key).stat().st_size for key in SHIPPED_GRAPHS) < 32e6


def small_network(flat: bool = False) -> TensorFlowBackend:
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 12, 2), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="early")(image)
    x = layers.Conv2D(5, 3, activation="relu", name="late")(x)
    x = (layers.Flatten() if flat else layers.GlobalAveragePooling2D())(x)
    return TensorFlowBackend(keras.Model(image, layers.Dense(3, name="logits")(x)))


SMALL_OUTPUTS = ("logits", "embedding", "late", "early")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "small.onnx"
    write_graph(small_network(), SMALL_OUTPUTS, path, DIGEST)
    return path


@pytest.mark.parametrize("flat", [False, True])
def test_constant_gradients_come_with_the_graph(tmp_path: Path, flat: bool) -> None:
    network, path = small_network(flat), tmp_path / "small.onnx"
    write_graph(network, SMALL_OUTPUTS, path, DIGEST)
    graph = read_graph(path, DIGEST, SMALL_OUTPUTS)
    assert graph is not None
    assert (graph.input_shape, graph.units, graph.outputs) == ((16, 12, 2), 3, set(SMALL_OUTPUTS))
    ours, theirs = graph.constant_gradients("late"), network.constant_gradients("late")
    assert ours is not None and theirs is not None
    np.testing.assert_array_equal(ours, theirs)
    assert ours.shape == (12, 8, 5, 3)
    assert graph.constant_gradients("early") is None
    target = resolve_target("a - b", ("a", "b", "c"), 3)
    batch = noise((16, 12, 2), 1)
    ours = METHODS["gradcam"](
        GraphEngines(graph, lambda: pytest.fail("no gradients are needed")), batch, target, layer="late"
    )
    np.testing.assert_allclose(ours, METHODS["gradcam"](network, batch, target, layer="late"), atol=1e-6)


def test_outputs_that_a_graph_does_not_have_are_one_sentence(written: Path) -> None:
    graph = read_graph(written, DIGEST, SMALL_OUTPUTS)
    assert graph is not None
    for ask in (lambda: graph.run(noise((16, 12, 2)), ("middle",)), lambda: graph.constant_gradients("middle")):
        with pytest.raises(ExplainError, match="no layer 'middle'"):
            ask()
    with pytest.raises(ExplainError, match="height, width"):
        graph.constant_gradients("embedding")
    assert graph.run(noise((16, 12, 2)), ()) == {}


def spoil_graph(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap_graph(path: Path) -> None:
    """Another network's graph, whole but not the one recorded."""
    other = path.with_name("other.onnx")
    write_graph(small_network(flat=True), SMALL_OUTPUTS, other, DIGEST)
    path.write_bytes(other.read_bytes())


def record_other_weights(path: Path) -> None:
    record = json.loads(record_path(path).read_text())
    record_path(path).write_text(json.dumps(record | {"weights_sha256": "6" * 64}))


def record_what_is_no_graph(path: Path) -> None:
    from hashlib import sha256

    path.write_bytes(b"no graph")
    record = json.loads(record_path(path).read_text())
    record_path(path).write_text(json.dumps(record | {"graph_sha256": sha256(b"no graph").hexdigest()}))


def lose_record(path: Path) -> None:
    record_path(path).unlink()


def damage_record(path: Path) -> None:
    record_path(path).write_text("[]")


def ask_for_more(path: Path) -> None:
    write_graph(small_network(), ("logits", "embedding"), path, DIGEST)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (spoil_graph, "is not the file its record describes"),
        (swap_graph, "is not the file its record describes"),
        (record_other_weights, "was made from other weights"),
        (record_what_is_no_graph, "cannot be used"),
        (lose_record, "cannot be used"),
        (damage_record, "cannot be used"),
        (ask_for_more, "has no output early, late"),
    ],
)
def test_a_graph_that_is_not_right_is_one_sentence_and_tensorflow(
    written: Path, caplog: pytest.LogCaptureFixture, change, words: str
) -> None:
    change(written)
    network = small_network()
    with caplog.at_level(logging.INFO, "covid_model"):
        found = engines_of(written, DIGEST, SMALL_OUTPUTS, lambda: network.network)
    assert isinstance(found, TensorFlowBackend)
    assert difference(found.forward.run(noise((16, 12, 2)))["logits"], network.run(noise((16, 12, 2)))["logits"]) == 0
    own = [record for record in caplog.records if record.name.startswith("covid_model")]  # TensorFlow may say more
    assert len(own) == 1
    assert words in caplog.text
    assert "TensorFlow answers instead." in caplog.text


def test_a_graph_that_is_not_there_is_nothing_to_speak_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = small_network()
    assert engines_of(tmp_path / "none.onnx", DIGEST, SMALL_OUTPUTS, lambda: network.network).forward.units == 3
    assert not caplog.records


def test_a_graph_that_answers_differently_is_not_kept(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("covid_model.backends.graphs.compared", lambda *_: {"logits": 1e-3})
    with pytest.raises(ModelError, match="differs from its network at logits"):
        write_graph(small_network(), SMALL_OUTPUTS, written, DIGEST)
    assert not written.exists()


def test_a_network_that_cannot_be_exported_is_one_sentence(written: Path) -> None:
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Lambda(
        lambda v: __import__("tensorflow").numpy_function(np.sort, [v], "float32"), output_shape=(8, 8, 1)
    )
    network = keras.Model(image, layers.Dense(2, name="logits")(layers.Flatten()(x(image))))
    with pytest.raises(ModelError, match="cannot be written as an ONNX graph"):
        write_graph(TensorFlowBackend(network), ("logits",), written, DIGEST)
    assert not written.exists()


@pytest.mark.parametrize("key", SHIPPED_GRAPHS)
def test_the_same_image_gives_the_same_bytes_twice_and_in_two_threads(key: str) -> None:
    graph = (LungSegmenter.load().engines if key == LUNG_NETWORK else load(key)).forward
    assert isinstance(graph, OnnxBackend)
    batches = [noise(graph.input_shape, 1, seed) for seed in range(2)]
    names = sorted(graph.outputs)

    def answers(number: int) -> list[bytes]:
        return [value.tobytes() for value in graph.run(batches[number], names).values()]

    alone = [answers(0), answers(1)]
    assert alone[0] != alone[1]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(answers, [0, 1] * 8)) == alone * 8


def test_the_network_is_loaded_once_when_first_asked_for(written: Path) -> None:
    loaded, ready = [], threading.Barrier(4)

    def load_network() -> keras.Model:
        loaded.append(1)
        return small_network().network

    found = engines_of(written, DIGEST, SMALL_OUTPUTS, load_network)
    found.forward.run(noise((16, 12, 2)))
    assert not loaded

    def ask(_: int) -> TensorFlowBackend:
        ready.wait()
        return found.gradients

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert loaded == [1]


def test_a_model_whose_graph_is_of_other_weights_answers_by_tensorflow(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engines_module, "read_graph", lambda path, digest, outputs: read_graph(path, "6" * 64, outputs))
    classifier = load("lungs", LungSegmenter(TensorFlowBackend(keras.saving.load_model(NETWORK, compile=False))))
    assert isinstance(classifier.forward, TensorFlowBackend)
    assert "was made from other weights" in caplog.text


@pytest.mark.parametrize(
    "work",
    [
        "from covid_model import load_model, sample_image\n"
        "result = load_model('lungs').explain(sample_image('covid-19-0'), method='gradcam', target='COVID-19')\n"
        "assert result.heatmap.max() > 0 and result.prediction.input_check.accepted",
        "from covid_model.cli.main import main\n"
        "assert main(['predict', 'assets/samples/covid-19-0.png', '--model', 'whole-image']) == 0",
    ],
    ids=["heatmap", "command"],
)
def test_a_first_answer_needs_no_tensorflow(work: str) -> None:
    code = f"{work}\nimport sys\nprint({{'tensorflow', 'keras', 'sklearn'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "set()"
