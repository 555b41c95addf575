"""Charts of the Dataset and Models pages, with known answers."""

import pytest

from covid_model.plots.dataset import counts_figure, legend_figure
from covid_model.plots.models import NEAREST, ModelScores, slope_figure


def test_a_slope_goes_from_the_claimed_to_the_honest_score_and_names_do_not_overlap() -> None:
    def score(value: float | None) -> dict:
        return {"value": value, "low": None, "high": None}

    models = [
        ModelScores("a", {"own": score(0.98), "honest": score(0.5)}),
        ModelScores("b", {"own": score(0.9), "honest": score(0.51)}),
        ModelScores("c", {"own": score(0.9), "honest": score(None)}),
        ModelScores("d", {"own": None, "honest": score(0.4)}),
    ]
    drawn = slope_figure(models, "own", "honest")
    assert {line.name: tuple(line.y) for line in drawn.data} == {"a": (0.98, 0.5), "b": (0.9, 0.51)}
    names = {note.text: note.y for note in drawn.layout.annotations if note.text != "chance"}
    assert list(names) == ["0.50 a", "0.51 b"]
    assert names["0.51 b"] - names["0.50 a"] == pytest.approx(NEAREST)


def test_bars_are_shares_of_a_value_whose_images_are_counted_behind_it() -> None:
    drawn = counts_figure("Source", {"x": {"A": 3, "B": 1}, "y": {"B": 10}}, ["A", "B"])
    assert drawn.layout.barmode == "stack"
    assert [(bar.name, tuple(bar.y), tuple(bar.x)) for bar in drawn.data] == [
        ("A", ("x (4)", "y (10)"), (0.75, 0.0)),
        ("B", ("x (4)", "y (10)"), (0.25, 1.0)),
    ]
    ages = counts_figure("Age", {"60 to 79": {"A": 5}, "18 to 39": {"A": 1}, "80 and more": {"A": 2}}, ["A"]).data[0]
    assert ages.y == ("80 and more (2)", "60 to 79 (5)", "18 to 39 (1)"), "in order, though no image shows a child"
    colours = {bar.name: bar.marker.color for bar in drawn.data}
    assert {bar.name: bar.marker.color for bar in legend_figure(["A", "B"]).data} == colours
