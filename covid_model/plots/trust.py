"""The charts of trust tests, drawn by their type, whatever the test."""

from typing import Final

import plotly.graph_objects as go

from covid_model.trust.figures import Bars, Chart, Curves, Matrix

HIGHLIGHT: Final = "#2a7f9e"
OTHERS: Final = "#9db4bf"
LINE: Final = "#c2571a"
LEGEND: Final = 30
"""Pixels above curves for their legend."""


def trust_chart(chart: Chart) -> go.Figure:
    """One chart as a small figure without zoom."""
    match chart:
        case Bars():
            figure = _bars(chart)
        case Curves():
            figure = _curves(chart)
        case Matrix():
            figure = _matrix(chart)
    figure.update_layout(
        height=max(150, figure.layout.height or 210),
        margin={"l": 0, "r": 8, "t": LEGEND if isinstance(chart, Curves) else 8, "b": 0},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom"},  # below the chart it would cover the axis title
        bargap=0.35,
    )
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


def _line_style() -> dict[str, object]:
    return {"color": LINE, "width": 2, "dash": "dot"}


def _bars(bars: Bars) -> go.Figure:
    names = list(bars.values)[::-1]
    figure = go.Figure(
        go.Bar(
            x=[bars.values[name] for name in names],
            y=names,
            orientation="h",
            marker_color=[HIGHLIGHT if name == bars.highlight else OTHERS for name in names],
            text=[format(bars.values[name], bars.number_format) for name in names],
            textposition="auto",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    if bars.line is not None:
        figure.add_vline(bars.line, line=_line_style())
    figure.update_xaxes(tickformat=bars.number_format, rangemode="tozero")
    figure.update_layout(height=44 + 26 * len(names), showlegend=False)
    return figure


def _curves(curves: Curves) -> go.Figure:
    figure = go.Figure()
    for number, (name, values) in enumerate(curves.lines.items()):
        style = {"color": OTHERS if number else HIGHLIGHT, "width": 2}
        figure.add_trace(go.Scatter(x=list(curves.x), y=list(values), mode="lines+markers", name=name, line=style))
    if curves.line is not None:
        figure.add_hline(curves.line, line=_line_style())
    figure.update_xaxes(title=curves.x_title, type="category")
    figure.update_yaxes(title=curves.y_title, rangemode="tozero")
    figure.update_layout(height=210 + LEGEND)
    return figure


def _matrix(matrix: Matrix) -> go.Figure:
    size = range(len(matrix.names))
    notes = [[[rows[i][j] for rows in matrix.others.values()] for j in size] for i in size]
    beside = "".join(f", {name} %{{customdata[{number}]:.2f}}" for number, name in enumerate(matrix.others))
    figure = go.Figure(
        go.Heatmap(
            z=matrix.values,
            x=list(matrix.names),
            y=list(matrix.names),
            zmin=-1,
            zmax=1,
            colorscale="RdBu_r",
            texttemplate="%{z:.2f}",
            customdata=notes,
            hovertemplate=f"%{{y}} and %{{x}}: {matrix.title} %{{z:.2f}}{beside}<extra></extra>",
            showscale=False,
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(height=260)
    return figure
