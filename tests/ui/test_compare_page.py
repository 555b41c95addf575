"""The Compare page driven through AppTest, from the entry script."""

from pathlib import Path

import pytest
from shown import viewer
from streamlit.testing.v1 import AppTest

from ui.menu import PAGES

ROOT = Path(__file__).resolve().parents[2]


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.run()
    app.switch_page("pages/compare.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


@pytest.mark.parametrize("what", ["methods", "models", "classes", "images"])
def test_every_comparison_shows_its_panels(what: str) -> None:
    app = opened(compare=what)
    shown = app.multiselect[0].value
    panels = viewer(app)["panels"]
    assert len(panels) == len(shown) >= 2
    assert all(panel["title"] and panel["note"] and panel["map"] for panel in panels)


def test_one_scale_is_the_default_where_values_can_be_compared() -> None:
    app = opened(compare="methods")
    assert app.toggle(key="one_scale_methods").value is False
    assert len({panel["map"]["top"] for panel in viewer(app)["panels"]}) > 1
    app = opened(compare="models")
    assert app.toggle(key="one_scale_models").value is True
    assert len({panel["map"]["top"] for panel in viewer(app)["panels"]}) == 1


def test_walking_keeps_the_first_and_moves_the_other() -> None:
    app = opened(compare="methods")
    app.toggle(key="walk_on").set_value(True).run()

    def titles() -> list[str]:
        return [panel["title"].split(",")[0] for panel in viewer(app)["panels"]]

    before = titles()
    next(button for button in app.button if button.label == "Next").click().run()
    after = titles()
    assert len(before) == len(after) == 2
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_a_page_reached_without_the_entry_goes_through_it() -> None:
    for row in PAGES:
        text = (ROOT / row.file).read_text("utf-8")
        body = text[text.index("header(") - 80 :]
        assert "require_entry()" in body, row.file
