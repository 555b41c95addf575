"""The Models page driven through AppTest: scores, features, regions and cards of each model."""

import json
from pathlib import Path

import pytest
from shown import page_text
from streamlit.testing.v1 import AppTest
from training_page import opened

from covid_model.explain.methods import get_method
from covid_model.models.specs import MODELS, SHIPPED
from covid_model.models.user_models import available_models
from covid_model.settings import WEIGHTS
from covid_model.trust.ledger import ATTRIBUTES
from ui.inert import inert

ENTRY = str(Path(__file__).resolve().parents[2] / "streamlit_app.py")


@pytest.fixture(scope="module")
def page() -> AppTest:
    app = AppTest.from_file(ENTRY, default_timeout=120)
    app.run()
    app.switch_page("pages/models.py").run()
    assert not app.exception
    return app


def test_every_model_shows_its_ledger_with_every_attribute(page: AppTest) -> None:
    tables = [element.value for element in page.markdown if "Encoded in the features?" in element.value]
    assert len(tables) == len(SHIPPED)
    for table in tables:
        assert all(attribute.title.split(" (")[0] in table for attribute in ATTRIBUTES.values())
    assert sum("Sensitivity" in table for table in tables) == 3, "of the models with more than one dense layer"


def test_a_source_on_which_the_promise_fails_is_marked(page: AppTest) -> None:
    tables = [frame.value for frame in page.dataframe if "class kept" in frame.value]
    paths = {key: WEIGHTS / f"{key}.region.json" for key in MODELS}
    records = {key: json.loads(path.read_text("utf-8")) for key, path in paths.items() if path.is_file()}
    assert len(tables) == len(records) == len(list(WEIGHTS.glob("*.region.json")))
    broken, marked = set(), set()
    for table, (key, record) in zip(tables, records.items(), strict=True):
        for method, found in record["methods"].items():
            shown = table[table["heatmap"] == get_method(method).label].set_index("images")[""]
            broken |= {(key, method, name) for name, one in found["by_source"].items() if one["high"] < record["level"]}
            marked |= {(key, method, name) for name in found["by_source"] if shown[name] == "fails"}
    assert marked == broken
    assert broken
    assert "broken beyond chance" in page_text(page)


def test_every_model_has_its_card_as_html_and_markdown(page: AppTest) -> None:
    labels = [button.proto.label for button in page.get("download_button")]
    for kind in ("HTML", "Markdown"):
        assert labels.count(f"Model card and checklist ({kind})") == len(available_models())


def test_the_models_page_shows_every_model_with_both_scores_and_the_reason(page: AppTest) -> None:
    app = page
    assert not app.error
    text = "\n".join(str(element.value) for element in (*app.markdown, *app.caption))
    splits, table = (app.dataframe[place].value for place in (0, 1))
    assert splits["model"].tolist() == table["model"].tolist() == list(available_models().values())
    for key, title in available_models().items():
        assert f"**{title}**" in text
        assert (f"*Its author claimed* {inert(MODELS[key].claimed or 'nothing')}." in text) == bool(MODELS[key].claimed)
    assert "recognising age is enough" in text
    assert text.count("never a diagnosis") == 0, "the notice above every page says it"
    assert "304 training images, 10 epochs, batch 32, Adam at 0.001" in text
    assert json.dumps(splits["patients apart"].tolist()).count("not measured") == 0
    assert len(splits.columns) <= 6 and len(table.columns) <= 7, "both are read without scrolling sideways"


def test_the_models_page_shows_claimed_against_honest_and_other_splits_on_demand() -> None:
    app = opened("models")
    (chart,) = app.get("plotly_chart")
    lines = {line["name"]: line["y"] for line in json.loads(chart.proto.spec)["data"]}
    assert set(lines) == set(available_models().values())
    claimed, honest = lines[MODELS["interpretable-cnn"].title]
    assert claimed > 0.95
    assert honest < 0.4
    app.get("button_group")[0].set_value("patients apart").run()
    assert not app.exception
    (chart,) = app.get("plotly_chart")
    again = {line["name"]: line["y"] for line in json.loads(chart.proto.spec)["data"]}
    assert again[MODELS["lungs"].title][1] > again[MODELS["lungs"].title][0]
    app.toggle(key="all_splits").set_value(True).run()
    assert len(app.get("plotly_chart")) == 2
