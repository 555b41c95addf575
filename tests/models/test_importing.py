"""Users' own files: taken apart and kept, or refused in one sentence."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from covid_model.errors import ModelError
from covid_model.explain.engine import explain
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.images.read import read_image
from covid_model.models.classifier import load
from covid_model.models.importing import add_model, read_network, remove_model
from covid_model.models.predict import predict
from covid_model.models.specs import MODELS
from covid_model.models.user_models import available_models, folder_of, known_models, row_of


def small(last: str | None = "softmax", units: int = 3) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 3, activation="relu", name="second"),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(units, activation=last),
        ]
    )


def nested() -> keras.Model:
    """A trunk within a model within a model, its softmax a layer of its own, names taken twice."""
    trunk = keras.Sequential([keras.Input((64, 64, 3)), layers.Conv2D(4, 3, name="conv"), layers.ReLU(name="relu")])
    image = keras.Input((64, 64, 3), name="image")
    x = layers.Conv2D(3, 3, padding="same", name="conv")(image / 255.0)
    x = layers.GlobalAveragePooling2D()(trunk(x, training=False))
    inner = keras.Model(image, layers.Dense(3)(x), name="inner")
    outside = keras.Input((64, 64, 3))
    return keras.Model(outside, layers.Softmax()(inner(outside)))


def saved(model: keras.Model, path: Path) -> bytes:
    model.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("build", [small, nested])
def test_a_file_becomes_a_flat_network_with_the_same_answers(build: Callable, suffix: str, tmp_path: Path) -> None:
    if (build, suffix) == (nested, ".h5"):
        pytest.skip("the old format does not hold bare operations")
    model = build()
    brought = read_network(saved(model, tmp_path / f"m{suffix}"), f"m{suffix}")
    images = np.random.default_rng(0).random((2, 64, 64, 3)).astype(np.float32) * 255
    logits = np.asarray(brought.network(images, training=False))
    soft = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(soft, np.asarray(model(images, training=False)), atol=1e-6)
    assert not any(isinstance(layer, keras.Model) for layer in brought.network.layers)
    assert [brought.network.layers[0].name, brought.network.layers[-1].name] == ["image", "logits"]
    assert (brought.size, brought.channels, brought.units) == ((64, 64), 3, 3)


def test_heatmaps_are_taken_at_the_last_layer_of_each_resolution(tmp_path: Path) -> None:
    brought = read_network(saved(small(), tmp_path / "m.keras"), "m.keras")
    assert brought.layers[0] == "second"
    assert "first" in brought.layers
    assert brought.rescales


def test_an_imported_model_is_at_hand_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(str(tmp_path / "models"))
    brought = read_network(saved(small("sigmoid", 1), tmp_path / "m.keras"), "m.keras")
    card = add_model(brought, title="My CNN!", classes=("Not COVID-19", "COVID-19"), region="image", scaling="byte")
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
    monkeypatch.setenv(str(tmp_path))
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
        read_network(data, "m.keras")


def test_code_is_refused_in_the_old_format_as_well(tmp_path: Path) -> None:
    data = saved(with_lambda(), tmp_path / "m.h5")
    with pytest.raises(ModelError, match="Lambda layer"):
        read_network(data, "m.h5")


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_class_of_its_own_is_not_run(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not run: elsewhere>Strange"):
        read_network(saved(with_own_class(), tmp_path / name), name)


def test_other_files_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a Keras model"):
        read_network(b"", "image.png")
    with pytest.raises(ModelError, match="not a Keras model"):
        read_network(b"PK\x03\x04 damaged", "m.keras")
    with pytest.raises(ModelError, match="not a Keras model"):
        read_network(b"damaged", "m.h5")
    small().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ModelError, match="weights without the network"):
        read_network((tmp_path / "w.weights.h5").read_bytes(), "w.weights.h5")


def test_names_must_fit(tmp_path: Path) -> None:
    brought = read_network(saved(small(), tmp_path / "m.keras"), "m.keras")
    with pytest.raises(ModelError, match="3 classes apart; received the names a, b"):
        add_model(brought, title="x", classes=("a", "b"), region="image", scaling="unit", folder=tmp_path)
    for title in ("!", "lungs"):
        with pytest.raises(ModelError, match="cannot be its name"):
            add_model(brought, title=title, classes=("a", "b", "c"), region="image", scaling="unit", folder=tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be kept"):
        add_model(
            brought, title="x", classes=("a", "b", "c"), region="image", scaling="unit", folder=tmp_path / "file" / "x"
        )
