"""The Compare page driven through AppTest, from the entry script."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
import streamlit as st
from shown import page_text, plain, values_of, viewer
from streamlit.testing.v1 import AppTest

from covid_model import load_model
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.explain.methods import METHODS
from covid_model.models.user_models import available_models
from ui.available_images import available_images
from ui.compare.views import View
from ui.explain.trust_panel import VERDICTS
from ui.menu import PAGES
from ui.results import results

ROOT = Path(__file__).resolve().parents[2]


def opened(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.run()
    app.switch_page("pages/compare.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def panels_of(app: AppTest) -> list[str]:
    """The text below each panel."""
    return [panel["note"] for panel in viewer(app)["panels"]]


def titles_of(app: AppTest) -> list[str]:
    """The titles of the panels."""
    return [panel["title"] for panel in viewer(app)["panels"]]


@pytest.mark.parametrize("what", ["methods", "models", "classes", "images"])
def test_every_comparison_shows_its_panels(what: str) -> None:
    app = opened(compare=what)
    shown = app.multiselect[0].value
    assert all(panel["map"] for panel in viewer(app)["panels"])
    titles = titles_of(app)
    assert len(titles) == len(shown) >= 2
    labels = {"methods": {key: row.label for key, row in METHODS.items()}, "models": available_models()}.get(what, {})
    if what == "images":
        labels = {key: image.title for key, image in available_images().items()}
    assert titles == [labels.get(key, key) for key in shown], "a title says only what differs"
    texts = panels_of(app)
    words = ("Not tested yet", *(word for word, *_ in VERDICTS.values()))
    assert all(text.startswith(words) for text in texts)
    assert all(re.search(r"\d+% in the lungs \(by chance \d+%\)", text) for text in texts)
    assert "the one to compare with" in texts[0]
    assert [("agreement with the first" in text) for text in texts[1:]] == [what != "images"] * (len(texts) - 1)


def test_one_scale_is_the_default_where_values_can_be_compared() -> None:
    app = opened(compare="methods")
    assert app.toggle(key="one_scale_methods").value is False
    assert len({panel["map"]["top"] for panel in viewer(app)["panels"]}) > 1
    app = opened(compare="models")
    assert app.toggle(key="one_scale_models").value is False, "else the map of a model with small values looks empty"
    app.toggle(key="one_scale_models").set_value(True).run()
    assert len({panel["map"]["top"] for panel in viewer(app)["panels"]}) == 1
    app = opened(compare="classes")
    assert app.toggle(key="one_scale_classes").value is True
    assert len({panel["map"]["top"] for panel in viewer(app)["panels"]}) == 1


def test_walking_keeps_the_first_and_moves_the_other() -> None:
    app = opened(compare="methods")
    app.toggle(key="walk_on").set_value(True).run()

    before = titles_of(app)
    assert len(before) == 2
    next(button for button in app.button if button.label == "Next").click().run()
    after = titles_of(app)
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_a_page_reached_without_the_entry_goes_through_it() -> None:
    for row in PAGES:
        text = (ROOT / row.file).read_text("utf-8")
        before, body = text.split("\nrequire_entry()\n")
        assert "header(" in body and "\nst." not in before, row.file


def test_all_of_a_kind_are_chosen_by_one_click() -> None:
    app = opened(compare="classes")
    app.multiselect[0].set_value(["Normal"]).run()
    app.button(key="all_Classes").click().run()
    assert not app.exception
    assert titles_of(app) == ["COVID-19", "Pneumonia", "Normal"]
    assert app.button(key="all_Classes").disabled
    app = opened(compare="models")
    assert app.button(key="all_Models").label == f"All {len(available_models())} models"


def test_views_are_pinned_on_explain_and_compared() -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.query_params["image"] = next(iter(shipped_samples()))
    app.run()
    app.button(key="pin").click().run()
    assert app.button(key="pin").disabled
    app.selectbox(key="method_choice").set_value("hirescam").run()
    app.button(key="pin").click().run()
    app.query_params.clear()
    app.query_params["compare"] = "pinned"
    app.switch_page("pages/compare.py").run()
    assert not app.exception
    titles = titles_of(app)
    assert [title.split(",")[0] for title in titles] == [METHODS["gradcam"].label, METHODS["hirescam"].label]
    assert "agreement with the first" in panels_of(app)[1]
    app.button(key="unpin").click().run()
    assert "Nothing is pinned yet" in page_text(app)


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("methods", ["hirescam", "scorecam"]),
        ("models", ["whole-image"]),
        ("classes", ["Normal", "COVID-19"]),
        ("images", list(shipped_samples())[2:4]),
    ],
)
def test_a_link_opens_its_comparison_and_the_address_repeats_every_choice(what: str, named: list[str]) -> None:
    app = opened(compare=what, **{what: named})
    assert app.multiselect[0].value == named
    assert len(titles_of(app)) == len(named)
    assert values_of(app, what) == named
    app.multiselect[0].set_value(named[:1]).run()
    assert values_of(app, what) == named[:1]
    app.selectbox(key="compare_choice").set_value("pinned").run()
    assert what not in app.query_params, "a parameter that the page does not use is taken out"


@pytest.mark.parametrize("what", ["methods", "models", "classes", "images"])
def test_a_link_to_a_comparison_of_what_does_not_exist_says_so_and_shows_nothing(what: str) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    app.switch_page("pages/compare.py")
    app.query_params["compare"], app.query_params[what] = what, ["nonsense"]
    app.run()
    assert not app.exception
    assert "“nonsense”, which is not available here" in plain(app.error[0].value)
    assert not app.get("bidi_component")
    app.multiselect[0].set_value([app.multiselect[0].options[0]]).run()
    assert not app.error


def test_a_link_opens_pinned_views_with_their_layer_and_settings() -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.query_params["image"], app.query_params["method"] = list(shipped_samples())[1], "integratedgradients"
    app.run()
    app.slider(key="integratedgradients-steps").set_value(16).run()
    app.button(key="pin").click().run()
    app.query_params.clear()
    app.query_params["compare"] = "pinned"
    app.switch_page("pages/compare.py").run()
    link, shown = values_of(app, "pin"), viewer(app)["panels"]
    assert len(link) == 1
    assert "steps=16" in link[0]
    again = opened(compare="pinned", pin=link)
    assert viewer(again)["panels"] == shown
    again.button(key="unpin").click().run()
    assert "pin" not in again.query_params


@pytest.mark.parametrize("part", ["image", "model", "method", "target", "layer"])
def test_a_link_to_a_pinned_view_of_what_does_not_exist_says_so(part: str) -> None:
    cells = {"image": next(iter(shipped_samples())), "model": "lungs", "method": "gradcam", "target": "Normal"}
    pin = urlencode(cells | {"layer": load_model("lungs").layers[0]} | {part: "nonsense"})
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    app.switch_page("pages/compare.py")
    app.query_params["compare"], app.query_params["pin"] = "pinned", pin
    app.run()
    assert not app.exception
    assert "nonsense" in app.error[0].value
    assert not app.get("bidi_component")


def test_the_same_heatmap_agrees_with_itself() -> None:
    text = panels_of(opened(compare="methods"))
    agreed = [float(match[1]) for each in text if (match := re.search(r"agreement with the first ([+-][0-9.]+)", each))]
    assert agreed[0] == pytest.approx(1.0, abs=0.2), "Grad-CAM and HiResCAM of one network are alike"
    assert all(-1 <= value <= 1 for value in agreed)


def test_an_image_is_chosen_by_its_picture() -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    wanted = list(shipped_samples())[3]
    app.button(key="gallery").click().run()
    assert not app.exception
    titles = [available_images()[name].title for name in shipped_samples()]
    assert set(titles) <= set(page_text(app).split("\n"))
    app.button(key="open_gallery_3").click().run()
    assert not app.exception
    assert app.selectbox(key="image_choice").value == wanted
    assert app.query_params["image"] == wanted
    assert "open_gallery_3" not in [button.key for button in app.button]


def test_fast_heatmaps_are_shown_while_a_slow_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    results.clear()
    waited = []

    def stop(view: View) -> None:
        waited.append(view.how.method)
        st.stop()

    with monkeypatch.context() as patched:
        patched.setattr("ui.compare.views.wait_for", stop)
        app = opened(compare="methods", methods=["occlusion", "gradcam", "hirescam"])
        assert waited[-1] == "occlusion"
        assert titles_of(app) == ["Grad-CAM", "HiResCAM"]
    app.run()
    assert titles_of(app) == ["Occlusion", "Grad-CAM", "HiResCAM"], "in the chosen order at last"
    results.clear()
    app.run()
    assert titles_of(app) == ["Occlusion", "Grad-CAM", "HiResCAM"], "nobody waits again and again"
