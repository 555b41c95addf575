"""What a session has chosen is one state for all pages, and the address repeats it."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from drawing import png
from shown import opened, page_text, plain, values_of
from streamlit.runtime.scriptrunner import ScriptRunContext
from streamlit.testing.v1 import AppTest

from covid_model.data.synthetic_samples import shipped_samples
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.models.card import read_card
from covid_model.models.specs import MODELS
from covid_model.settings import MANIFEST, WEIGHTS
from ui.available_images import available_images

FIRST, SECOND = list(shipped_samples())[:2]

KNOWN = {
    "image_choice": FIRST,
    "model_choice": "lungs",
    "target_choice": "Normal",
    "method_choice": "gradcam",
    "layer_choice": "top",
}


@pytest.fixture(autouse=True)
def no_public_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has nothing but the project."""
    monkeypatch.delenv("COVID_XRAY_DATA", raising=False)
    available_images.clear()


def on_page(app: AppTest, file: str, **query: str) -> AppTest:
    """The session on another page; the menu's links carry no parameters, others may."""
    app.query_params = dict(query)
    app.switch_page(file).run()
    assert not app.exception
    return app


def chosen(app: AppTest) -> dict[str, str]:
    """What the select boxes of choices show."""
    return {box.key.removesuffix("_choice"): box.value for box in app.selectbox if box.key.endswith("_choice")}


def a_choice_and_then_a_fragment_asked_for_before_it() -> None:
    """The page of the next test: its fragment's rerun starts from the address before the choice."""
    import streamlit as st

    from covid_model.viewer.look import Look
    from ui.links import linked_select
    from ui.viewer import LOOK, _show_in_address

    linked_select("Class to explain", {"covid": "COVID-19", "normal": "Normal"}, "target")
    st.query_params.clear()
    st.session_state[LOOK] = Look(opacity=0.3)
    _show_in_address(st.session_state[LOOK])


def test_a_look_reported_while_a_class_is_chosen_loses_neither_from_the_address() -> None:
    app = AppTest.from_function(a_choice_and_then_a_fragment_asked_for_before_it).run()
    app.selectbox[0].select("normal").run()
    assert {name: values_of(app, name) for name in app.query_params} == {"target": ["normal"], "opacity": ["0.3"]}


def test_image_model_method_class_and_layer_survive_pages_and_come_back_into_the_address() -> None:
    app = opened()
    for name, value in {"image": SECOND, "model": "whole-image", "method": "hirescam", "target": "Normal"}.items():
        app.selectbox(key=f"{name}_choice").set_value(value).run()
    app.selectbox(key="layer_choice").set_value("block5c").run()
    before = chosen(app)
    wanted = {"image": SECOND, "model": "whole-image", "method": "hirescam", "target": "Normal", "layer": "block5c"}
    assert before == wanted == dict(app.query_params)
    on_page(app, "pages/compare.py")
    assert not app.error
    assert {"image": SECOND, "model": "whole-image", "target": "Normal"}.items() <= chosen(app).items()
    on_page(app, "pages/tour.py")
    on_page(app, "pages/explain.py")
    assert chosen(app) == before
    assert dict(app.query_params) == wanted


def test_a_model_starts_at_its_own_layer_though_it_has_the_one_shown_before() -> None:
    app = opened(model="steveroger")
    assert chosen(app)["layer"] == "conv2"
    app.selectbox(key="model_choice").set_value("anshul").run()
    assert chosen(app)["layer"] == "conv3", "nobody chose conv2, which it has as well"
    assert "layer" not in app.query_params


def test_an_upload_is_in_the_address_as_what_no_link_opens() -> None:
    app = opened(image=SECOND)
    app.file_uploader[0].upload("x.png", phantom_png(PHANTOMS["dense"]), "image/png").run()
    assert values_of(app, "image") == ["upload"]
    on_page(app, "pages/compare.py", image="upload")
    on_page(app, "pages/explain.py", image="upload")
    assert "Your upload" in page_text(app)
    assert not app.error
    app.button(key="remove_upload").click().run()
    assert chosen(app)["image"] == SECOND, "what was chosen before is back"
    after_a_reload = opened(image="upload")
    assert "A reload loses an upload, and no link opens one; upload the file again." in after_a_reload.error[0].value
    assert not after_a_reload.get("bidi_component"), "no other image's result is shown"


def test_an_image_of_the_manifest_is_shared_too(noisy_manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MANIFEST.variable, str(noisy_manifest))
    key = f"image-{7:064x}"[: len("image-") + 16]
    app = opened(image=key)
    assert "Not explained." in app.warning[0].value, "it is noise"
    on_page(app, "pages/compare.py")
    assert len(app.warning) == 1, "refused once, not once a panel"
    on_page(app, "pages/explain.py")
    assert not app.error
    assert chosen(app)["image"] == key


def test_a_bad_link_is_not_forgotten_on_another_page() -> None:
    app = opened(image="nothing")
    on_page(app, "pages/compare.py")
    assert len(app.error) == 1
    assert not app.main.get("imgs")


def test_a_class_that_one_page_does_not_offer_is_still_chosen_on_the_other() -> None:
    app = opened()
    app.selectbox(key="target_choice").set_value("COVID-19 - Normal").run()
    on_page(app, "pages/compare.py")
    assert chosen(app)["target"] == "predicted"
    on_page(app, "pages/explain.py")
    assert chosen(app)["target"] == "COVID-19 - Normal"


def test_a_link_changes_what_it_names_and_leaves_the_rest() -> None:
    app = opened(image=SECOND, method="hirescam")
    on_page(app, "pages/models.py")
    on_page(app, "pages/explain.py", model="whole-image", image=FIRST)
    assert {"image": FIRST, "model": "whole-image", "method": "hirescam"}.items() <= chosen(app).items()
    assert app.query_params["image"] == FIRST, "a default that a link named stays in the address"


def test_a_choice_wins_over_the_address_it_is_about_to_change() -> None:
    app = opened(model="whole-image")
    app.selectbox(key="model_choice").set_value("lungs").run()
    assert chosen(app)["model"] == "lungs"
    assert "model" not in app.query_params


def test_a_step_back_through_the_history_takes_the_address_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(model="whole-image")
    app.selectbox(key="method_choice").set_value("hirescam").run()
    assert dict(app.query_params) == {"model": "whole-image", "method": "hirescam"}
    monkeypatch.setattr(ScriptRunContext, "is_history_navigation", property(lambda _: True, lambda *_: None), raising=False)
    app.query_params = {"image": SECOND}
    app.run()
    assert not app.exception
    assert {"image": SECOND, "model": "lungs", "method": "gradcam"}.items() <= chosen(app).items()
    assert dict(app.query_params) == {"image": SECOND}


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"image": "../../etc/passwd"}, "image"),
        ({"image": "image-0123456789abcdef"}, "image"),
        ({"model": "none"}, "model"),
        ({"target": "Flu"}, "class"),
        ({"method": "tea-leaves"}, "method"),
        ({"layer": "basement"}, "layer"),
    ],
    ids=str,
)
def test_a_link_to_what_is_not_here_says_so_and_shows_nothing_else(query: dict[str, str], word: str) -> None:
    app = opened(**query)
    named = next(iter(query.values()))
    assert [plain(error.value) for error in app.error] == [
        f"This link names the {word} “{named}”, which is not available here; choose another {word}."
    ]
    assert not app.get("bidi_component")
    assert not app.subheader
    assert not app.main.success
    assert not app.main.warning
    key = f"{next(iter(query))}_choice"
    assert app.selectbox(key=key).value is None
    app.selectbox(key=key).set_value(KNOWN[key]).run()
    assert not app.error
    assert app.get("bidi_component"), "choosing one that exists goes on"


def test_a_class_that_another_model_lacks_is_no_fault_of_a_link() -> None:
    app = opened(target="Pneumonia")
    app.selectbox(key="model_choice").set_value("steveroger").run()
    assert not app.error
    assert chosen(app)["target"] == "predicted"


def test_an_upload_is_shared_by_the_pages_until_it_is_removed() -> None:
    app = opened(image=SECOND)
    app.file_uploader[0].upload("mine.png", phantom_png(PHANTOMS["dense"]), "image/png").run()
    assert "Your upload" in page_text(app)
    assert values_of(app, "image") == ["upload"], "the address names no image that the page does not show"
    on_page(app, "pages/compare.py")
    assert any("Your upload" in plain(element.value) for element in app.main.caption)
    on_page(app, "pages/explain.py")
    assert "Your upload" in page_text(app)
    app.button(key="remove_upload").click().run()
    assert "Your upload" not in page_text(app)
    assert chosen(app)["image"] == SECOND


def test_a_link_to_an_image_ends_the_upload() -> None:
    app = opened()
    app.file_uploader[0].upload("mine.png", phantom_png(PHANTOMS["dense"]), "image/png").run()
    on_page(app, "pages/tour.py")
    on_page(app, "pages/explain.py", image=SECOND)
    assert "Your upload" not in page_text(app)
    assert f"seed {shipped_samples()[SECOND].seed}" in page_text(app)


@pytest.mark.parametrize("page", ["pages/explain.py", "pages/compare.py"])
def test_a_bad_upload_leaves_no_result_of_another_image(page: str) -> None:
    app = opened()
    if page != "pages/explain.py":
        on_page(app, page)
    app.file_uploader[0].upload("bad.png", png()[:100], "image/png").run()
    assert not app.exception
    assert len(app.error) == 1
    assert "The upload cannot be used." in app.error[0].value
    assert not app.main.get("bidi_component")
    assert not app.main.get("imgs")
    assert not app.main.subheader


def test_the_shared_link_is_the_address_encoded_without_the_open_tab() -> None:
    app = opened(image=SECOND, target="COVID-19 - Normal", panel="Export")
    query = urlsplit(app.code[0].value).query
    assert " " not in app.code[0].value
    assert parse_qs(query) == {"image": [SECOND], "target": ["COVID-19 - Normal"]}


def test_the_training_form_starts_from_the_manifest_of_the_other_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MANIFEST.variable, str(tmp_path / "elsewhere.parquet"))
    app = on_page(opened(), "pages/training.py")
    app.button(key="new_run").click().run()
    assert next(box for box in app.text_input if box.label == "Manifest").value == str(tmp_path / "elsewhere.parquet")


def test_a_predicted_class_below_its_mark_says_so() -> None:
    def badges(**query: str) -> list[tuple[str, str]]:
        found = [part for part in opened(**query).markdown if "Below its mark" in str(part.value)]
        return [(str(part.value), part.proto.help) for part in found]

    [(badge, why)] = badges(model="corona-3class", image=FIRST)
    card = read_card(WEIGHTS / MODELS["corona-3class"].card_name)
    marks = [f"mark of {points['specificity_0.95']:.0%}" for points in card.thresholds.values()]
    assert any(mark in badge and f"{mark}, the threshold of 95% specificity." in why for mark in marks)
    assert not badges(image=FIRST)
