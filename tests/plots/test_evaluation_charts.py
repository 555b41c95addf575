"""The charts of a report, by what they draw."""

import re

import pytest

from covid_model.evaluation.people import people
from covid_model.plots.evaluation import (
    ForestRow,
    abstention_figure,
    confusion_figure,
    forest_figure,
    net_benefit_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
)
from covid_model.plots.mean_heatmaps import mean_heatmap_figure
from covid_model.plots.shortcuts import between_figure, lettered, shortcut_figure

BAND = {"value": [1.0, 0.8, None], "low": [1.0, 0.7, None], "high": [1.0, 0.9, None]}
CURVES = {
    "prevalence": 0.2,
    "net_benefit": BAND,
    "roc": {"false_positive_rate": [0, 0.5, 1], "sensitivity": [0, 0.9, 1]},
    "precision_recall": {"recall": [1, 0.5, 0], "precision": [0.2, 0.6, 1]},
}


def test_the_matrix_has_a_clickable_marker_on_every_cell() -> None:
    figure = confusion_figure([[8, 2], [1, 9]], ["sick", "well"])
    heatmap, marks = figure.data
    assert [list(row) for row in heatmap.z] == [[0.8, 0.2], [0.1, 0.9]], "shares of the true class"
    assert sorted(zip(marks.x, marks.y, map(tuple, marks.customdata), strict=True)) == [
        (j, i, (i, j)) for j in range(2) for i in range(2)
    ], "x is the predicted class, customdata is (true, predicted)"
    assert marks.text[1] == "sick called well: 2 images"


def test_a_forest_row_reaches_from_low_to_high_and_undefined_ones_are_empty() -> None:
    rows = [
        ForestRow("all", 0.8, 0.7, 0.95, "a"),
        ForestRow("one", None, None, None, "b"),
        ForestRow("two", 0.5, None, None, "b"),
    ]
    figure = forest_figure(rows, "AUC", 0.5)
    first, second = figure.data
    assert first.error_x.array[0] == pytest.approx(0.15)
    assert first.error_x.arrayminus[0] == pytest.approx(0.1)
    assert list(second.y) == [2]
    assert second.error_x.array[0] == 0
    assert figure.layout.yaxis.ticktext == ("all", "one", "two")


def test_curves_are_drawn_as_stored() -> None:
    roc = roc_figure({"a": CURVES, "b": CURVES}, [("95 %", 0.1, 0.9)])
    assert [trace.name for trace in roc.data] == ["chance", "a", "b", "95 %"]
    assert (list(roc.data[1].x), list(roc.data[1].y)) == ([0, 0.5, 1], [0, 0.9, 1])
    assert roc.data[1].line.dash != roc.data[2].line.dash, "distinguishable without colour"
    precision = precision_recall_figure({"a": CURVES})
    assert list(precision.data[0].y) == [0.2, 0.6, 1]
    assert precision.layout.shapes[0].y0 == 0.2, "guessing reaches the prevalence"
    reliability = reliability_figure(
        {"confidence": [0.5, 0.9], "images": [3, 3], "value": [0.4, 1], "low": [0.3, 1], "high": [0.6, 1]}
    )
    assert list(reliability.data[1].error_y.array) == [pytest.approx(0.2), 0]


def test_the_decision_curve_compares_with_acting_on_everybody() -> None:
    band, model, everybody = net_benefit_figure([0.0, 0.2, 0.5], CURVES).data
    assert list(model.y) == [1.0, 0.8], "what is not defined is left out"
    assert list(band.y) == [1.0, 0.9, 0.7, 1.0]
    assert list(everybody.y) == [pytest.approx(0.2), pytest.approx(0), pytest.approx(-0.6)]


def test_abstention_is_a_line_with_its_band() -> None:
    figure = abstention_figure({"answered": [0.5, 0.8, 1.0], **BAND})
    assert list(figure.data[1].x) == [0.5, 0.8]


def test_people_of_a_thousand_by_hand() -> None:
    curves = {
        "sensitivity": {"value": [0.8], "low": [0.7], "high": [0.9]},
        "specificity": {"value": [0.9], "low": [0.85], "high": [0.95]},
        "ppv_even": {"value": [0.8 / 0.9], "low": [0.8], "high": [0.95]},
        "npv_even": {"value": [None], "low": [None], "high": [None]},
    }
    found = people(curves, 0, 0.1)
    assert (found.sick, found.found.value, found.missed.text()) == (100, 80, "20 (10 to 30)")
    assert found.alarms.text() == "90 (45 to 135)"
    assert found.cleared.value == pytest.approx(810)
    assert found.ppv.value == pytest.approx(80 / 170), "those found of all who are called"
    assert found.npv.text() == "not defined"


def test_the_shortcut_matrix_reads_from_fitted_to_tested() -> None:
    def score(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.1, "high": value + 0.1}

    matrix = {"whole": {"whole": score(0.9), "lungs": score(0.6)}, "lungs": {"whole": score(0.7), "lungs": score(0.8)}}
    figure = shortcut_figure(matrix)
    (cells,) = figure.data
    assert [list(row) for row in cells.z] == [[0.9, 0.6], [0.7, 0.8]]
    assert figure.layout.yaxis.ticktext == figure.layout.xaxis.ticktext == ("whole", "lungs")
    assert list(cells.customdata[0][1]) == ["whole", "lungs", "AUC 0.60 (0.50 to 0.70)"]


def test_a_source_without_any_cell_is_left_out_and_an_empty_cell_says_why() -> None:
    none = {"value": None, "low": None, "high": None, "why": "b has no test images with COVID-19"}
    one = {"value": 0.8, "low": None, "high": None}
    matrix = {
        "a": {"a": one, "b": none, "c + d": none},
        "b": dict.fromkeys(("a", "b", "c + d"), none),
        "c + d": {"a": one, "b": none, "c + d": one},
    }
    assert lettered(matrix) == {"A": "a", "B": "c + d"}
    figure = between_figure(matrix)
    (cells,) = figure.data
    assert [list(row) for row in cells.z] == [[0.8, None], [0.8, 0.8]]
    assert figure.layout.xaxis.ticktext == figure.layout.yaxis.ticktext == ("A", "B")
    assert list(cells.customdata[0][1]) == ["a", "c + d", "b has no test images with COVID-19"]
    assert list(cells.text[0]) == ["0.80", ""]


def test_no_colour_of_a_mean_heatmap_is_one_that_the_theme_replaces() -> None:
    tile = {"map": [[0, 100], [200, 100]], "lungs": [[0, 100], [100, 0]]}
    (map_, _) = mean_heatmap_figure([("a", tile)], 1).data
    colours = [colour for _, colour in map_.colorscale]
    assert colours[0] == "rgb(0, 0, 4)"
    assert not re.findall(r"#0000[0-9]{2}", str(colours))


def test_mean_heatmaps_share_one_scale_and_one_without_images_stays_empty() -> None:
    first = {"map": [[50, 150], [100, 100]], "lungs": [[0, 100], [0, 100]]}
    second = {"map": [[20, 280], [50, 50]], "lungs": [[0, 100], [0, 100]]}
    figure = mean_heatmap_figure([("one", first), ("none", {"map": None}), ("two", second)], 2)
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [(trace.zmin, trace.zmax) for trace in maps] == [(0, 280), (0, 280)]
    assert [trace.showscale for trace in maps] == [True, False]
    assert [(trace.xaxis, trace.yaxis) for trace in maps] == [("x", "y"), ("x3", "y3")]
    assert [note.text for note in figure.layout.annotations] == ["one", "none", "two"]
    assert figure.layout.yaxis3.autorange == "reversed", "the top row of the map is the top of the image"
    assert figure.layout.yaxis3.scaleanchor == "x3", "squares"
    assert not figure.layout.showlegend
