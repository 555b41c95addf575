"""Users' own files: taken apart and kept, or refused in one sentence."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from model_files import rewritten_config, saved, small

from covid_model.cli.main import main
from covid_model.errors import ModelError
from covid_model.explain.engine import explain
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.images.preprocess import SCALES, preprocess
from covid_model.images.read import read_image
from covid_model.models import importing, inspection_worker
from covid_model.models.calibration import calibrated
from covid_model.models.card import read_card
from covid_model.models.classifier import load
from covid_model.models.importing import FileModel, add_model, read_network, read_numbers, remove_model
from covid_model.models.inspecting import Inspected, inspect
from covid_model.models.predict import predict
from covid_model.models.specs import MODELS
from covid_model.models.user_models import available_models, folder_of, known_models, row_of
from covid_model.sandbox import ChildError
from covid_model.settings import MODELS as MODELS_FOLDER


def nested() -> keras.Model:
    """A trunk within a model within a model, its softmax a layer of its own, names taken twice."""
    trunk = keras.Sequential([keras.Input((64, 64, 3)), layers.Conv2D(4, 3, name="conv"), layers.ReLU(name="relu")])
    image = keras.Input((64, 64, 3), name="image")
    x = layers.Conv2D(3, 3, padding="same", name="conv")(image / 255.0)
    x = layers.GlobalAveragePooling2D()(trunk(x, training=False))
    inner = keras.Model(image, layers.Dense(3)(x), name="inner")
    outside = keras.Input((64, 64, 3))
    return keras.Model(outside, layers.Softmax()(inner(outside)))


def inspected(data: bytes, folder: Path) -> tuple[Inspected, keras.Model]:
    """What the loading process finds, here in this one: starting another takes seconds."""
    (folder / "model").write_bytes(data)
    return inspect(folder / "model", folder / "flat.keras"), keras.saving.load_model(folder / "flat.keras", compile=False)


def file_model(model: keras.Model, folder: Path) -> FileModel:
    data = saved(model, folder / "m.keras")
    found, network = inspected(data, folder)
    return FileModel(data, network, found)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("build", [small, nested])
def test_a_file_becomes_a_flat_network_with_the_same_answers(build: Callable, suffix: str, tmp_path: Path) -> None:
    if (build, suffix) == (nested, ".h5"):
        pytest.skip("the old format does not hold bare operations")
    model = build()
    found, network = inspected(saved(model, tmp_path / f"m{suffix}"), tmp_path)
    images = np.random.default_rng(0).random((2, 64, 64, 3)).astype(np.float32) * 255
    logits = np.asarray(network(images, training=False))
    soft = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(soft, np.asarray(model(images, training=False)), atol=1e-6)
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)
    assert [network.layers[0].name, network.layers[-1].name] == ["image", "logits"]
    assert (found.size, found.channels, found.units) == ((64, 64), 3, 3)


def test_heatmaps_are_taken_at_the_last_layer_of_each_resolution(tmp_path: Path) -> None:
    found, _ = inspected(saved(small(), tmp_path / "m.keras"), tmp_path)
    assert found.layers[0] == "second"
    assert "first" in found.layers
    assert found.rescales


def test_an_imported_model_is_at_hand_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_FOLDER.variable, str(tmp_path / "models"))
    file_model = read_network(saved(small("sigmoid", 1), tmp_path / "m.keras"))
    assert (file_model.found.units, file_model.found.head) == (1, "multiclass")
    card = add_model(file_model, title="My CNN!", classes=("Not COVID-19", "COVID-19"), preprocessing={"scaling": "byte"})
    assert card.key == "my-cnn"
    assert available_models()["my-cnn"] == "My CNN!"
    assert row_of("my-cnn").class_of("Normal") == 0
    classifier = load("my-cnn")
    prediction = predict(classifier, read_image(phantom_png(next(iter(PHANTOMS.values())))))
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert explain(classifier, prediction, method="gradcam").layer_map.shape == (29, 29)
    remove_model("my-cnn")
    assert "my-cnn" not in known_models()


def test_a_network_trained_here_is_at_hand_from_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_FOLDER.variable, str(tmp_path))
    assert "mobilenetv2" not in available_models()
    assert set(available_models()) == {key for key, row in MODELS.items() if row.ships}
    for name in (MODELS["mobilenetv2"].weights_name, MODELS["mobilenetv2"].card_name):
        (tmp_path / name).touch()
    assert "mobilenetv2" in available_models()
    assert folder_of("mobilenetv2") == tmp_path
    (tmp_path / "damaged.card.json").write_text("{")
    assert "damaged" not in known_models()


def with_lambda() -> keras.Model:
    return keras.Sequential([keras.Input((64, 64, 3)), layers.Lambda(lambda x: x / 255), layers.Flatten(), layers.Dense(2)])


@keras.saving.register_keras_serializable("elsewhere")
class Strange(layers.Layer):
    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x


def with_own_class() -> keras.Model:
    return keras.Sequential([keras.Input((64, 64, 3)), Strange(), layers.Flatten(), layers.Dense(2)])


def two_inputs() -> keras.Model:
    one, other = keras.Input((64, 64, 3)), keras.Input((64, 64, 3))
    return keras.Model([one, other], layers.Dense(2)(layers.Flatten()(one + other)))


def ends_in_relu() -> keras.Model:
    return small("relu")


def for_signals() -> keras.Model:
    return keras.Sequential([keras.Input((64, 3)), layers.Flatten(), layers.Dense(2)])


def without_pictures() -> keras.Model:
    return keras.Sequential([keras.Input((64, 64, 3)), layers.Flatten(), layers.Dense(2)])


def of_any_size() -> keras.Model:
    return keras.Sequential([keras.Input((None, None, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2)])


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (with_lambda, "Lambda layer, which is code"),
        (two_inputs, "one input and one output"),
        (ends_in_relu, "ends in 'relu'"),
        (for_signals, "height, width"),
        (without_pictures, "picture-like"),
        (of_any_size, "fixed sides"),
    ],
)
def test_models_that_cannot_be_used_are_one_sentence(build: Callable, words: str, tmp_path: Path) -> None:
    data = saved(build(), tmp_path / "m.keras")
    with pytest.raises(ModelError, match=words):
        inspected(data, tmp_path)


def test_code_is_refused_in_the_old_format_as_well(tmp_path: Path) -> None:
    data = saved(with_lambda(), tmp_path / "m.h5")
    with pytest.raises(ModelError, match="Lambda layer"):
        inspected(data, tmp_path)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_class_of_its_own_is_not_run(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not run: elsewhere>Strange"):
        inspected(saved(with_own_class(), tmp_path / name), tmp_path)


def test_other_files_are_one_sentence(tmp_path: Path) -> None:
    for content in (b"", b"damaged", b"PK\x03\x04 damaged", b"\x89HDF\r\n\x1a\n damaged"):
        with pytest.raises(ModelError, match=r"not a Keras model|damaged (zip|HDF5) file"):
            inspected(content, tmp_path)
    with pytest.raises(ModelError, match="is not a Keras model"):
        read_network(b"no model")  # the sentence crosses the border between the processes
    small().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ModelError, match="weights without the network"):
        inspected((tmp_path / "w.weights.h5").read_bytes(), tmp_path)


def test_names_must_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three = file_model(small(), tmp_path)
    monkeypatch.setattr(importing, "_compare", lambda *_: None)  # its own tests are below
    with pytest.raises(ModelError, match="3 classes apart; received the names a, b"):
        add_model(three, title="x", classes=("a", "b"), preprocessing={}, folder=tmp_path)
    for title in ("!", "lungs"):
        with pytest.raises(ModelError, match="cannot be its name"):
            add_model(three, title=title, classes=("a", "b", "c"), preprocessing={}, folder=tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be kept"):
        add_model(three, title="x", classes=("a", "b", "c"), preprocessing={}, folder=tmp_path / "file" / "x")
    with pytest.raises(ModelError, match="needs a mean and a deviation"):
        add_model(three, title="x", classes=("a", "b", "c"), preprocessing={"scaling": "custom"}, folder=tmp_path)
    with pytest.raises(ModelError, match="classes exclude one another"):
        add_model(three, title="x", classes=("a", "b", "c"), preprocessing={}, multilabel=True, folder=tmp_path)


def in_this_process(task: str, request: bytes, _: bytes) -> bytes:
    answer = getattr(inspection_worker, task)(request)
    return answer if isinstance(answer, bytes) else b"".join(answer)


@pytest.mark.parametrize("scaling", [key for key in SCALES if key != "custom"])
def test_this_program_says_what_the_files_own_predict_says(
    scaling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_in_child", in_this_process)
    model = small("sigmoid", 3)
    card = add_model(
        file_model(model, tmp_path), title="x", classes=("a", "b", "c"), preprocessing={"scaling": scaling}, folder=tmp_path
    )
    assert (card.head, card.preprocessing.scaling) == ("multilabel", scaling)
    kept = keras.saving.load_model(tmp_path / "x.keras", compile=False)
    image = read_image(phantom_png(PHANTOMS["hazy"]))
    pixels = preprocess(image, read_card(tmp_path / "x.card.json").preprocessing).pixels[None]
    np.testing.assert_allclose(
        calibrated(np.asarray(kept(pixels)), 1.0, card.head), model.predict(pixels, verbose=0), atol=1e-5
    )


def test_a_model_that_is_answered_otherwise_is_refused_with_both_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_in_child", in_this_process)
    model = file_model(small(), tmp_path)
    last = model.network.get_layer("logits")
    kernel, bias = last.get_weights()
    last.set_weights([kernel * 0, bias * 0 + [0, np.log(2), 0]])
    with pytest.raises(ModelError, match=r"own predict gives [abc] (0\.\d{4}|1\.0000) .* this program gives 0\.(2500|5000)"):
        add_model(model, title="x", classes=("a", "b", "c"), preprocessing={}, folder=tmp_path)
    assert not list(tmp_path.glob("*.card.json"))


def test_a_layer_of_gigabytes_costs_one_sentence(tmp_path: Path) -> None:
    saved(small(), tmp_path / "m.keras")
    rewritten_config(tmp_path / "m.keras", lambda text: text.replace(b'"filters": 4', b'"filters": 100000000'))
    with pytest.raises(ModelError, match=r"needs more than 2 GB|damaged or needs too much memory"):
        read_network((tmp_path / "m.keras").read_bytes())


def test_a_process_that_takes_too_long_or_does_not_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for why, words in (("time", "takes more than 120 seconds"), ("start", "cannot be started"), ("crash", "damaged")):

        def died(*_: object, why: str = why) -> bytearray:
            raise ChildError(why)  # type: ignore[arg-type]  # one of its words

        monkeypatch.setattr(importing, "run_once", died)
        with pytest.raises(ModelError, match=words):
            read_network(b"")


def test_a_file_is_registered_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv(MODELS_FOLDER.variable, str(tmp_path / "models"))
    monkeypatch.setattr(importing, "_in_child", in_this_process)
    saved(small(), tmp_path / "mine.keras")
    words = ["register", str(tmp_path / "mine.keras")]
    assert main(words) == 1
    assert "needs --classes NAME,NAME and --scaling" in capsys.readouterr().err
    custom = ["--scaling", "custom", "--mean", "0.485,0.456,0.406", "--deviation", "0.25", "--bgr"]
    assert main([*words, "--classes", "a, b, c", *custom]) == 0
    assert "--model mine" in capsys.readouterr().out
    spec = read_card(tmp_path / "models" / "mine.card.json").preprocessing
    assert (spec.scaling, spec.mean, spec.bgr) == ("custom", (0.485, 0.456, 0.406), True)


@pytest.mark.parametrize("text", ["", "0.5;0.5", "a", "1,,2"])
def test_numbers_are_read_or_refused(text: str) -> None:
    assert read_numbers("0.485, 0.456,0.406") == (0.485, 0.456, 0.406)
    with pytest.raises(ModelError, match="are not numbers; one, or three with commas"):
        read_numbers(text)


def test_a_multilabel_model_gives_each_class_a_probability_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODELS_FOLDER.variable, str(tmp_path / "models"))
    monkeypatch.setattr(importing, "_in_child", in_this_process)
    model = file_model(small("sigmoid", 3), tmp_path)
    card = add_model(model, title="many", classes=("a", "b", "c"), preprocessing={"scaling": "byte"})
    assert read_card(tmp_path / "models" / "many.card.json") == card
    classifier = load("many")
    prediction = predict(classifier, read_image(phantom_png(PHANTOMS["clear"])))
    sigmoids = 1 / (1 + np.exp(-prediction.logits.astype(float)))
    np.testing.assert_allclose(list(prediction.probabilities.values()), sigmoids, atol=1e-6)
    assert set(prediction.called) == {name for name, share in prediction.probabilities.items() if share >= 0.5}
    assert prediction.head == "multilabel"
    found = explain(classifier, prediction, method="gradcam", target="b - c")
    assert (found.target, found.layer_map.shape) == ("b - c", (29, 29))
