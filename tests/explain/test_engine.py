import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import CLASSES, ToyClassifier, toy_prediction

from covid_model.backends.remembered import RememberedEngines
from covid_model.errors import ExplainError
from covid_model.explain.engine import INPUT, explain
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import METHODS
from covid_model.explain.overlay import COLORMAPS, blended, heat, outlined, overlay_png
from covid_model.images.xray_image import XrayImage

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_an_image(method: str) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    found = explain(classifier, prediction, method=method, target="Normal - COVID-19")
    assert found.layer_map.shape == (8, 8)
    assert found.heatmap.shape == (80, 64)
    assert np.isfinite(found.heatmap).all()
    assert (found.method, found.target, found.layer) == (
        method,
        "Normal - COVID-19",
        "conv" if METHODS[method].needs_layer else INPUT,
    )
    assert sum(found.probabilities.values()) == pytest.approx(1)


def test_another_class_or_weighting_needs_no_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where gradients are constant, the activations of the prediction are enough, and the map is the same."""
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    choices = [(method, target) for method in ("gradcam", "hirescam", "layercam", "eigencam") for target in CLASSES]
    expected = [explain(classifier, prediction, method=method, target=target).layer_map for method, target in choices]
    kept = replace(prediction, outputs=classifier.forward.run(prediction.prepared.batch, ("logits", "conv")))

    def run(batch: object, outputs: object = ()) -> None:
        pytest.fail("the network was asked again")

    monkeypatch.setattr(classifier.backend, "run", run)
    for (method, target), layer_map in zip(choices, expected, strict=True):
        found = explain(classifier, kept, method=method, target=target).layer_map
        np.testing.assert_array_equal(found, layer_map)


def test_other_images_and_outputs_are_not_answered_from_memory() -> None:
    """What is remembered belongs to one array; a copy with other values is computed."""
    classifier = ToyClassifier()
    batch = toy_prediction(classifier).prepared.batch
    forward = RememberedEngines(classifier, batch, classifier.forward.run(batch)).forward
    np.testing.assert_array_equal(forward.run(batch * 2)["logits"], classifier.forward.run(batch * 2)["logits"])
    np.testing.assert_array_equal(forward.run(batch, ("conv",))["conv"], classifier.forward.run(batch, ("conv",))["conv"])


def test_the_predicted_class_is_explained_by_default() -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    found = explain(classifier, prediction)
    assert found.target == max(found.probabilities, key=found.probabilities.get)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "magic"}, "gradcam"),
        ({"layer": "pool"}, "choose conv"),
        ({"target": "Flu"}, ", ".join(CLASSES)),
    ],
)
def test_wrong_choices_name_the_right_ones(options: dict[str, str], words: str) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    with pytest.raises(ExplainError, match=words):
        explain(classifier, prediction, **options)


def test_a_map_that_is_not_finite_is_an_error() -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    classifier.backend.network.get_layer("logits").set_weights([np.full((4, 3), np.inf, np.float32)])
    with pytest.raises(ExplainError, match="not numbers"):
        explain(classifier, prediction, target="Normal")


def test_an_explanation_comes_back_as_saved(tmp_path: Path) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    saved = explain(classifier, prediction, target="Normal")
    path = saved.save(tmp_path, "image")
    back = Explanation.load(path)
    np.testing.assert_array_equal(back.heatmap, saved.heatmap)
    np.testing.assert_array_equal(back.layer_map, saved.layer_map)
    assert back.record() == saved.record()
    record = json.loads(path.read_text())
    assert {"versions", "model_digest", "image_digest", "date", "map"} <= set(record)
    (tmp_path / "image.npy").unlink()
    with pytest.raises(ExplainError, match="not a complete"):
        Explanation.load(path)


@pytest.mark.parametrize("text", ["3", "[]", "{}", "not json"])
def test_a_damaged_record_is_one_sentence(tmp_path: Path, text: str) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    path = explain(classifier, prediction, target="Normal").save(tmp_path, "image")
    path.write_text(text)
    with pytest.raises(ExplainError, match="not a complete"):
        Explanation.load(path)


def test_an_empty_or_foreign_map_is_refused(tmp_path: Path) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    path = explain(classifier, prediction, target="Normal").save(tmp_path, "image")
    np.save(tmp_path / "image.npy", np.ones((80, 64), np.float32))
    with pytest.raises(ExplainError, match="not the one it describes"):
        Explanation.load(path)
    (tmp_path / "image.npy").write_bytes(b"")
    with pytest.raises(ExplainError, match="not a complete"):
        Explanation.load(path)


def test_logits_that_are_not_finite_are_an_error() -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    prediction = replace(prediction, logits=np.full(3, np.inf, np.float32))
    with pytest.raises(ExplainError, match="logits that are not numbers"):
        explain(classifier, prediction, target="Normal")


def test_heat_is_scaled_from_zero_and_clear_where_cold() -> None:
    layer = heat(np.array([[0.0, 1.0, 2.0]], np.float32), 0.5, "inferno")
    assert layer[0, :, 3].tolist() == [0, 64, 128]
    assert not heat(np.zeros((2, 2), np.float32), 1.0, "viridis")[..., 3].any()
    grey = np.full((1, 3), 100, np.uint8)
    assert blended(grey, layer)[0, 0].tolist() == [100, 100, 100]
    assert blended(grey, layer)[0, 2].tolist() != [100, 100, 100]


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_every_colour_map_draws(colormap: str) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    assert len(np.unique(heat(ramp, 1.0, colormap)[0, :, :3], axis=0)) > 200


def test_the_outline_runs_along_the_mask_and_leaves_the_rest() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    drawn = outlined(np.zeros((40, 40, 3), np.uint8), mask)
    assert drawn[10, 20].any()
    assert not drawn[20, 20].any()
    assert not drawn[2, 2].any()


def test_the_overlay_is_a_picture_of_the_image_size(tmp_path: Path) -> None:
    import cv2

    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    image = XrayImage(np.random.default_rng(0).random((80, 64)).astype(np.float32), "0" * 64, "png")
    path = tmp_path / "o.png"
    path.write_bytes(overlay_png(image, explain(classifier, prediction)))
    assert cv2.imread(str(path)).shape == (80, 64, 3)


@pytest.mark.parametrize("index", [0, 1, 2, np.int64(2)])
def test_a_class_may_be_given_by_its_index(index: int) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    by_index, by_name = (explain(classifier, prediction, target=target) for target in (index, CLASSES[index]))
    assert by_index.target == CLASSES[index]
    np.testing.assert_array_equal(by_index.layer_map, by_name.layer_map)


@pytest.mark.parametrize("index", [3, -1, 1.5, True])
def test_an_index_out_of_range_is_one_sentence(index: object) -> None:
    classifier = ToyClassifier()
    with pytest.raises(ExplainError, match=r"one of 0 \(COVID-19\), 1 \(Pneumonia\), 2 \(Normal\)") as raised:
        explain(classifier, toy_prediction(classifier), target=index)  # type: ignore[arg-type]
    assert repr(index) in str(raised.value)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_question_gives_the_same_bytes(method: str) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    first, second = (explain(classifier, prediction, method=method, target="Normal", seed=3) for _ in range(2))
    assert first.layer_map.tobytes() == second.layer_map.tobytes()


def test_versions_are_named_without_importing_tensorflow() -> None:
    code = (
        "import sys; from covid_model.explain.explanation import versions; print(versions()); "
        "assert 'tensorflow' not in sys.modules"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert {"covid_model", "keras", "numpy", "tf-keras-vis"} <= set(ast.literal_eval(shown))
    assert "'tensorflow" in shown
