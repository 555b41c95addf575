"""What holds for every method, and that a new one is one short file."""

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from toys import CLASSES, ToyClassifier, branched_network, pooled_network, toy_prediction

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.cli.main import parser
from covid_model.errors import ExplainError
from covid_model.explain.engine import explain
from covid_model.explain.methods import METHODS, Method, get_method, register
from covid_model.explain.target import resolve_target
from covid_model.models.classifier import load
from docs.reference import reference

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")
FORWARD_ONLY = ("scorecam", "eigencam", "occlusion", "rise")
CAMS = ("gradcam", "gradcampp", "hirescam", "layercam")


class Watched:
    """Both engines of a model; notes whether anybody asked for the one that differentiates."""

    def __init__(self, backend: TensorFlowBackend) -> None:
        self.forward, self.backend, self.asked = backend, backend, False

    @property
    def gradients(self) -> TensorFlowBackend:
        self.asked = True
        return self.backend


@pytest.fixture
def new_method() -> Iterator[str]:
    """The throw-away method of new_cam.py, there for one test."""
    sys.modules.pop("new_cam", None)
    module = importlib.import_module("new_cam")
    key = module.XGradCam.key
    yield key
    METHODS.pop(key)


def test_a_new_method_is_one_file_of_under_30_lines(new_method: str) -> None:
    lines = inspect.getsource(sys.modules["new_cam"]).splitlines()
    assert len(lines) < 30
    assert list(METHODS)[-1] == new_method


def test_a_new_method_explains_a_toy(new_method: str) -> None:
    classifier = ToyClassifier()
    prediction = toy_prediction(classifier)
    found = explain(classifier, prediction, method=new_method, target="Normal")
    np.testing.assert_allclose(
        found.layer_map, explain(classifier, prediction, method="gradcam", target="Normal").layer_map, atol=1e-6
    )  # behind pooling the gradient is the same everywhere, and so is its mean


def test_a_new_method_reaches_command_line_and_reference(new_method: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["explain", "--help"])
    shown = capsys.readouterr().out
    assert new_method in shown
    assert all(f"--{option.name}" in shown for method in METHODS.values() for option in method.options)
    assert f"### XGrad-CAM (`{new_method}`)" in reference()


def test_a_new_method_can_be_chosen_on_the_explain_page(new_method: str) -> None:
    app = AppTest.from_file(ENTRY, default_timeout=120).run()
    choice = app.selectbox(key="method_choice")
    assert METHODS[new_method].label in choice.options
    choice.set_value(new_method).run()
    assert not app.exception
    assert any(f"{new_method} at layer top" in str(caption.value) for caption in app.caption)


@pytest.mark.parametrize("key", METHODS)
@pytest.mark.parametrize(("make", "layer"), [(pooled_network, "conv"), (branched_network, "block")])
def test_a_method_asks_for_gradients_exactly_where_it_says_so(key: str, make, layer: str) -> None:
    method, model = METHODS[key], Watched(make())
    height, width, channels = model.forward.input_shape
    batch = np.random.default_rng(2).random((1, height, width, channels)).astype(np.float32)
    settings = {option.name: option.low for option in method.options if option.name in ("masks", "samples", "steps")}
    found = method(model, batch, resolve_target("Normal", CLASSES, 3), layer=layer, **settings)
    assert found.dtype == np.float32
    assert found.ndim == 2
    assert model.asked == method.needs_gradients(model, layer)
    if key in FORWARD_ONLY:
        assert not model.asked
    if key in CAMS:
        assert model.asked == (make is branched_network)


def shipped_network() -> TensorFlowBackend:
    """Of the default model."""
    return load("lungs").gradients


def linear_head() -> TensorFlowBackend:
    """A flattening and a dense layer behind a ReLU, so that the constant gradient differs from place to place."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")(image)
    return TensorFlowBackend(keras.Model(image, layers.Dense(3, name="logits")(layers.Flatten()(x))))


@pytest.mark.parametrize("key", CAMS)
@pytest.mark.parametrize("target", ["COVID-19", "Normal - Pneumonia"])
@pytest.mark.parametrize(("make", "layer"), [(pooled_network, "conv"), (linear_head, "conv"), (shipped_network, "top")])
def test_closed_forms_equal_the_maps_from_gradients(
    key: str, target: str, make, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, chosen = make(), resolve_target(target, CLASSES, 3)
    batch = np.random.default_rng(2).uniform(-1, 1, size=(1, *model.input_shape)).astype(np.float32)
    closed = METHODS[key](model, batch, chosen, layer=layer)
    monkeypatch.setattr(model, "constant_gradients", lambda _: None)
    differentiated = METHODS[key](model, batch, chosen, layer=layer)
    assert np.abs(closed).max() > 0
    np.testing.assert_allclose(closed, differentiated, rtol=0, atol=1e-6)


def test_a_method_lacking_a_part_or_taking_a_key_in_use_is_refused() -> None:
    class Nameless(Method):
        key = "nameless"

    with pytest.raises(TypeError, match="label, family, paper, shows, limits"):
        register(Nameless)
    with pytest.raises(ValueError, match="'gradcam' is that of Grad-CAM"):
        register(type(METHODS["gradcam"]))
    assert "nameless" not in METHODS


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(ExplainError, match="gradcam, gradcampp"):
        get_method("magic")


def test_every_file_of_the_folder_is_imported() -> None:
    import covid_model.explain.methods as package

    files = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    assert files <= {name.rpartition(".")[2] for name in sys.modules if name.startswith(f"{package.__name__}.")}
