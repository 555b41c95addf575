"""The import form: every answer that the file does not hold, wrong first and right then."""

from pathlib import Path

import keras
import pytest
from streamlit.testing.v1 import AppTest

from covid_model.models.card import read_card
from covid_model.settings import MODELS

FORM = "from ui.models.import_form import import_form; import_form()"


def scores_file(folder: Path) -> bytes:
    """A network of three scores without a last activation, which does not say how they become probabilities."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    body = [keras.Input((64, 64, 3)), layers.Conv2D(4, 3, activation="relu", name="conv"), layers.GlobalAveragePooling2D()]
    keras.Sequential([*body, layers.Dense(3, name="scores")]).save(folder / "scores.keras")
    return (folder / "scores.keras").read_bytes()


def by_label(elements, label: str):
    """The one widget of this label."""
    (found,) = (element for element in elements if element.label.startswith(label))
    return found


def error_of(app: AppTest) -> str:
    """Press the button; the one error."""
    app.button[0].click().run()
    (found,) = app.error
    return str(found.value)


def test_what_a_file_does_not_say_is_asked_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS.variable, str(tmp_path / "models"))
    app = AppTest.from_string(FORM, default_timeout=120).run()
    app.file_uploader[0].upload("scores.keras", scores_file(tmp_path)).run()
    assert "3 output(s)" in app.success[0].value
    by_label(app.selectbox, "Pixel values").select("custom").run()
    mean, deviation = (by_label(app.text_input, label) for label in ("Mean", "Standard deviation"))
    mean.input("0,485; 0,456; 0,406")
    assert "are not numbers; one, or three with commas between (0.485, 0.456, 0.406) would work" in error_of(app)
    mean, deviation = (by_label(app.text_input, label) for label in ("Mean", "Standard deviation"))
    mean.input("0.485, 0.456, 0.406")
    deviation.input("0")
    assert "deviations positive numbers" in error_of(app)
    by_label(app.text_input, "Standard deviation").input("0.25")
    by_label(app.text_input, "Classes").input("Effusion, Nodule")
    assert "The model tells 3 classes apart; received the names Effusion, Nodule" in error_of(app)
    by_label(app.text_input, "Classes").input("Effusion, Nodule, Pneumonia")
    by_label(app.checkbox, "Multi-label").check()
    app.button[0].click().run()
    assert not app.error, app.error[0].value
    card = read_card(tmp_path / "models" / "scores.card.json")
    assert (card.head, card.classes) == ("multilabel", ("Effusion", "Nodule", "Pneumonia"))
    assert (card.preprocessing.mean, card.preprocessing.deviation) == ((0.485, 0.456, 0.406), (0.25,))
