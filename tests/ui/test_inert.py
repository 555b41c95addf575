"""Text from outside keeps its characters and loses their meaning as Markdown or HTML."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from shown import plain

from covid_model.plots.dataset import counts_figure, map_figure
from covid_model.plots.models import ModelScores, gap_figure, slope_figure
from covid_model.plots.selectable import selectable_image
from covid_model.plots.training import confusion_figure
from ui.inert import JOINER, inert, inert_figure, inert_message

LINK = "<a href='http://elsewhere'>x</a> & <b>y</b>"
SHOWN = "&lt;a href='http://elsewhere'>x&lt;/a> &amp; &lt;b>y&lt;/b>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![x](http://a.b/c)", rf"\!\[x\](http\:{JOINER}//a.b/c)"),
        ("<img src=x>", r"\<img src=x\>"),
        (":red[x] :material/add: :smile:", rf"\:{JOINER}red\[x\] \:{JOINER}material/add: \:{JOINER}smile:"),
        ("www.a.b me@a.b", f"www{JOINER}.a.b me@{JOINER}a.b"),
        ("`a` $b$ ~c~ **d** __e__", r"\`a\` \$b\$ \~c\~ \*\*d\*\* \_\_e\_\_"),
        ("- a", r"\- a"),
        ("12. a", r"12\. a"),
        ("# a\n\n    b", r"\# a b"),
        ("COVID-19 - Normal, 3.5", "COVID-19 - Normal, 3.5"),
    ],
)
def test_markup_becomes_characters(text: str, expected: str) -> None:
    assert inert(text) == expected
    assert plain(inert(text)) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No *x*; run `data build`.", r"No \*x\*; run `data build`."),
        ("```![x](u)`", r"\`\`\`\!\[x\](u)\`"),
        ("`![x](u)", r"\`\!\[x\](u)"),
        ("``![x](u)`` `a`", r"\`\`\!\[x\](u)\`\` `a`"),
    ],
)
def test_only_whole_spans_of_code_stay_code(text: str, expected: str) -> None:
    assert inert_message(text) == expected


def test_names_in_figures_become_characters_and_templates_keep_their_breaks() -> None:
    data = inert_figure(confusion_figure([[1, 2], [3, 4]], (LINK, "b"))).to_dict()["data"][0]
    assert data["x"] == [SHOWN, "b"]
    assert data["hovertemplate"].endswith("<extra></extra>")
    bars = inert_figure(counts_figure("t", {LINK: {LINK: 3}}, [LINK])).to_dict()["data"][0]
    assert (bars["name"], bars["y"]) == (SHOWN, [f"{SHOWN} (3)"])
    assert "<a" not in bars["hovertemplate"]
    gap = inert_figure(gap_figure([ModelScores(LINK, {"own": {"value": 0.5, "low": 0.4, "high": 0.6}})]))
    assert gap.layout.yaxis.ticktext == (SHOWN,)
    assert list(gap.data[0].customdata) == [SHOWN]
    scores = {"own": {"value": 0.5, "low": 0.4, "high": 0.6}}
    slope = inert_figure(slope_figure([ModelScores(LINK, scores | {"other": scores["own"]})], "own", "other"))
    assert slope.layout.annotations[0].text == f"0.50 {SHOWN}"
    assert "<a" not in slope.to_json()
    titled = go.Figure(layout={"title": LINK, "annotations": [{"text": LINK}]})
    assert inert_figure(titled).layout.title.text == inert_figure(titled).layout.annotations[0].text == SHOWN


def test_an_unsuspicious_figure_stays_as_it_is() -> None:
    places = np.linspace(0, 1, 4, dtype=np.float32)
    table = pd.DataFrame({"map_x": places, "map_y": places, "digest": list("abcd"), "value": ["PA", "PA", "AP", "PA"]})
    for figure in (map_figure(table, "value"), selectable_image(np.eye(4, dtype=np.uint8), (0, 0, 1, 1))):
        assert json.loads(inert_figure(figure).to_json()) == json.loads(figure.to_json())
