"""The Explain page driven through AppTest, from the entry script, with the shipped models."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawing import dataset, png, saved
from shown import ENTRY, opened, page_text, plain, verdict_word, viewer
from streamlit.testing.v1 import AppTest

from covid_model.data.labels import LABELS
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.explain.methods import METHODS
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.models.classifier import load
from covid_model.models.specs import MODELS, SHIPPED
from covid_model.viewer.look import Look
from ui.links import explain_params
from ui.viewer import LOOK, UNSUPPORTED

FIRST, SECOND = list(shipped_samples())[:2]
pytestmark = pytest.mark.usefixtures("no_public_images")


def prediction(app: AppTest) -> str:
    """The line that names the predicted class and its probability."""
    return plain(app.subheader[0].value)


def test_it_opens_on_a_real_prediction_with_a_heatmap_and_the_notice() -> None:
    app = opened()
    assert any(name in prediction(app) for name in LABELS)
    image, overlay = viewer(app)["panels"]
    assert (image["title"], image["map"]) == ("Image", None)
    assert overlay["title"].startswith("What raised the ")
    assert overlay["map"]["top"] > 0
    (bars,) = [html for html in app.get("html") if "Probabilities" in html.proto.body]
    assert all(name in bars.proto.body for name in LABELS)
    assert not app.get("plotly_chart")
    text = page_text(app)
    assert "not a medical device" in text
    assert "A synthetic image that shows no patient" in text
    assert "nearest training image" in text
    assert "gradcam at layer top" in text
    assert not app.error


def test_an_upload_replaces_the_image_and_a_bad_one_is_one_sentence() -> None:
    app = opened()
    app.file_uploader[0].upload("holiday.png", phantom_png(PHANTOMS["dense"]), "image/png").run()
    assert not app.exception
    assert "Your upload" in page_text(app)
    assert "Synthetic" not in page_text(app)
    app.file_uploader[0].upload("broken.png", b"nonsense", "image/png").run()
    assert not app.exception
    assert "The upload cannot be used. The file is a text file" in app.error[0].value
    assert not app.get("bidi_component"), "no other image's result stays"
    assert not app.subheader
    app.file_uploader[0].set_value(None).run()
    assert len(viewer(app)["panels"]) == 2, "without it, the chosen image is back"
    assert not app.error


def test_a_dicom_upload_works_and_its_name_is_nowhere() -> None:
    app = opened()
    image = dataset(PatientName="Doe^Jane", PatientID="4711")
    app.file_uploader[0].upload("Doe_Jane.dcm", saved(image), "application/dicom").run()
    assert not app.exception
    assert "DICOM" in page_text(app)
    assert "Doe" not in page_text(app)


@pytest.mark.parametrize("key", SHIPPED)
def test_every_model_answers_and_shows_its_own_scores(key: str) -> None:
    app = opened(model=key)
    assert app.selectbox(key="model_choice").value == key
    assert load(key).weights_digest[:8] in page_text(app)
    assert MODELS[key].limits[0] in page_text(app)


def test_class_method_and_layer_change_what_is_explained() -> None:
    app = opened()
    app.selectbox(key="target_choice").set_value("COVID-19 - Normal").run()
    app.selectbox(key="method_choice").set_value("gradcam-tkv").run()
    app.selectbox(key="layer_choice").set_value("block5c").run()
    assert not app.exception
    assert "gradcam-tkv at layer block5c" in page_text(app)


def test_a_link_opens_in_its_state() -> None:
    app = opened(
        image=SECOND,
        model="whole-image",
        target="Normal",
        cmap="viridis",
        opacity="0.3",
        window=["0.1", "0.9"],
        invert="true",
    )
    assert f"seed {shipped_samples()[SECOND].seed}" in page_text(app)
    assert app.selectbox(key="target_choice").value == "Normal"
    look = viewer(app)["look"]
    assert (look["opacity"], look["cmap"], look["window"], look["invert"]) == (0.3, "viridis", [0.1, 0.9], True)
    app = opened(opacity="many")
    assert viewer(app)["look"] == Look().json()


@pytest.mark.parametrize("named", [{}, {"image": FIRST, "model": next(iter(MODELS)), "method": next(iter(METHODS))}])
def test_links_name_what_they_mean_and_the_page_leaves_the_address_as_it_is(named: dict[str, str]) -> None:
    """Else the browser's Back button leads to the same page again and again."""
    for wanted in (named, {"image": SECOND, "model": "whole-image"}):
        params = explain_params(**wanted)
        assert params == wanted
        assert dict(opened(**params).query_params) == params


def test_two_sessions_do_not_mix() -> None:
    first, second = opened(image=FIRST), opened(image=SECOND, model="whole-image")
    before = prediction(first), prediction(second)
    for app, opacity in ((first, 0.1), (second, 0.9)):
        app.session_state[LOOK] = Look(opacity=opacity)
        app.run()
    assert (viewer(first)["look"]["opacity"], viewer(second)["look"]["opacity"]) == (0.1, 0.9)
    assert (prediction(first), prediction(second)) == before
    assert f"seed {shipped_samples()[FIRST].seed}. Similarity" in page_text(first)
    assert f"seed {shipped_samples()[SECOND].seed}. Similarity" in page_text(second)


def test_display_choices_do_not_change_the_answer() -> None:
    app = opened()
    before = prediction(app)
    look = Look(invert=True, window=(0.2, 0.7), lungs=False, cmap="cividis")
    app.session_state[LOOK] = look
    app.run()
    assert not app.exception
    assert prediction(app) == before
    assert viewer(app)["look"] == look.json()
    address = {name: [*given] if isinstance(given := app.query_params[name], list) else [given] for name in look.params()}
    assert address == look.params(), "a link opens it again"


def test_a_browser_without_webgl_gets_plain_pictures() -> None:
    app = panel(opened(), "Export")
    app.session_state[UNSUPPORTED] = True
    app.run()
    assert not app.exception
    assert not app.get("bidi_component")
    assert "no WebGL2" in page_text(app)
    assert len(app.get("image")) == 2


def test_public_images_are_offered_where_a_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from layouts import hannover, save

    hannover(tmp_path, [("p", "abc", 1)])
    save(tmp_path / "covid-chestxray-dataset" / "unreadable.png", 2)
    monkeypatch.setenv("COVID_XRAY_DATA", str(tmp_path))
    app = opened(image="covid-19-image-repository/abc.png")
    assert "covid-19-image-repository · abc.png · COVID-19" in page_text(app)
    assert not app.error


def test_what_is_no_chest_image_is_explained_only_after_a_click_and_without_a_verdict() -> None:
    app = opened()
    app.file_uploader[0].upload("ramp.png", png(), "image/png").run()
    assert not app.exception
    assert "**Not explained.** This" in app.warning[0].value
    assert not app.subheader, "no answer is shown"
    app.button(key=next(button.key for button in app.button if (button.key or "").startswith("override_"))).click().run()
    assert not app.exception
    assert any(name in prediction(app) for name in LABELS)
    assert verdict_word(app) == "Withheld"
    assert "A prediction for it means nothing." in page_text(app)


@pytest.mark.parametrize(
    ("change", "button"),
    [
        (lambda pixels: 255 - pixels, "Invert and explain"),
        (np.rot90, "Turn and explain"),
        (lambda pixels: np.rot90(pixels, 3), "Turn and explain"),
    ],
)
def test_a_refused_image_that_can_be_mended_is_explained_after_a_click(change: Callable, button: str) -> None:
    right = cv2.imread(str(shipped_samples()[FIRST].path), cv2.IMREAD_GRAYSCALE)
    app = opened()
    app.file_uploader[0].upload("x.png", cv2.imencode(".png", np.ascontiguousarray(change(right)))[1].tobytes()).run()
    assert "**Not explained.**" in app.warning[0].value
    assert not app.subheader
    next(found for found in app.button if found.label == button).click().run()
    assert not app.exception
    assert "after a click" in page_text(app)
    assert prediction(app) == prediction(opened())


def panel(app: AppTest, name: str) -> AppTest:
    """Open one of the panels below the picture."""
    app.session_state["panel"] = name
    app.run()
    assert not app.exception
    return app


def test_a_pasted_marker_changes_the_answer_and_undo_takes_it_back() -> None:
    app = panel(opened(model="whole-image"), "What if …")
    assert not app.metric
    app.slider(key="whatif_across").set_value((0.1, 0.9)).run()
    app.slider(key="whatif_down").set_value((0.2, 0.8)).run()
    app.button(key="whatif_black").click().run()
    assert not app.exception
    assert len(app.metric) == 3
    assert any(abs(float(metric.delta.split()[0])) > 1 for metric in app.metric)
    app.button(key="whatif_undo").click().run()
    assert not app.metric


def test_the_downloads_hold_what_is_shown() -> None:
    app = panel(opened(image=SECOND), "Export")
    assert len(app.get("download_button")) == 4
    assert f"image={SECOND}" in app.code[0].value


def test_settings_of_a_method_are_widgets_that_a_link_carries() -> None:
    app = opened(method="scorecam", **{"scorecam-channels": "16"})
    assert app.slider(key="scorecam-channels").value == 16
    assert "scorecam at layer top" in page_text(app)


def test_a_slow_method_runs_with_its_progress() -> None:
    app = AppTest.from_file(ENTRY, default_timeout=120)
    app.query_params["method"] = "rise"
    app.query_params["rise-masks"] = "50"
    app.run()
    assert not app.exception
    assert "rise at layer image" in page_text(app)
