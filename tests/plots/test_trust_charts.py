"""Each type of chart shows its values, whatever test they come from."""

import pytest

from covid_model.plots.trust import HIGHLIGHT, OTHERS, trust_chart
from covid_model.trust.figures import Bars, Curves, Matrix


def test_bars_are_in_order_with_the_highlight_and_the_line() -> None:
    figure = trust_chart(Bars({"this": 0.5, "other": 0.25}, "this", line=0.4))
    (bars,) = figure.data
    assert list(zip(bars.y, bars.x, bars.text, strict=True)) == [("other", 0.25, "25%"), ("this", 0.5, "50%")]
    assert bars.marker.color == (OTHERS, HIGHLIGHT)
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (0.4, 0.4)
    assert not trust_chart(Bars({"this": 0.5}, number_format=".2f")).layout.shapes


def test_curves_share_an_axis_and_the_first_one_is_highlighted() -> None:
    figure = trust_chart(Curves(["none", "all"], {"a": [1.0, 0.2], "b": [1.0, 0.4]}, "weights", "likeness", 0.3))
    assert [trace.name for trace in figure.data] == ["a", "b"]
    assert [trace.y for trace in figure.data] == [(1.0, 0.2), (1.0, 0.4)]
    assert [trace.line.color for trace in figure.data] == [HIGHLIGHT, OTHERS]
    assert figure.layout.xaxis.title.text == "weights"
    assert figure.layout.shapes[0].y0 == 0.3
    legend = figure.layout.legend
    assert (legend.y, legend.yanchor) == (1, "bottom"), "above the chart, clear of the axis title"


def test_a_matrix_shows_its_values_and_notes_the_others() -> None:
    values, notes = [[1.0, -0.5], [-0.5, 1.0]], [[1.0, 0.1], [0.2, 1.0]]
    (cells,) = trust_chart(Matrix(["a", "b"], "rank correlation", values, {"overlap": notes})).data
    assert [list(row) for row in cells.z] == values
    assert (cells.zmin, cells.zmax) == (-1, 1)
    assert cells.customdata[1][0][0] == pytest.approx(0.2)
    assert "overlap %{customdata[0]:.2f}" in cells.hovertemplate
