"""The charts of an evaluation report, from the plain numbers in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from covid_model.plots.dataset import COLOURS, SYMBOLS

BAND: Final = "rgba(42,127,158,0.18)"
MAIN: Final = "#2a7f9e"
OTHER: Final = "#c2571a"
GREY: Final = "#888"
SIDE: Final = 340


@dataclass(frozen=True)
class ForestRow:
    """One row of a forest plot. value, low, high: None where not defined. group: rows of a group share a colour."""

    title: str
    value: float | None
    low: float | None
    high: float | None
    group: str
    note: str = ""


def forest_figure(rows: Sequence[ForestRow], axis: str, line: float | None = None) -> go.Figure:
    """Scores with intervals, one row each, from top to bottom. line: where to draw a vertical line, such as chance."""
    figure = go.Figure()
    groups = list(dict.fromkeys(row.group for row in rows))
    for place, group in enumerate(groups):
        known = [(y, row) for y, row in enumerate(rows) if row.group == group and row.value is not None]
        spread = [_spread(row) for _, row in known]
        figure.add_scatter(
            x=[row.value for _, row in known], y=[y for y, _ in known], mode="markers", name=group,
            marker={"size": 9, "color": COLOURS[place % len(COLOURS)], "symbol": SYMBOLS[place % len(SYMBOLS)]},
            error_x={"type": "data", "symmetric": False, "array": [up for _, up in spread],
                     "arrayminus": [down for down, _ in spread], "thickness": 1.3, "width": 4},
            customdata=[[row.title, row.note] for _, row in known],
            hovertemplate="%{customdata[0]}: %{x:.3f}<br>%{customdata[1]}<extra></extra>",
        )  # fmt: skip
    if line is not None:
        figure.add_vline(line, line={"color": GREY, "dash": "dot"})
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=[row.title for row in rows], range=[len(rows) - 0.5, -0.5])
    figure.update_xaxes(title=axis, range=[-0.02, 1.02])
    figure.update_layout(
        height=110 + 27 * len(rows), margin={"l": 0, "r": 8, "t": 8, "b": 0}, showlegend=len(groups) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    return figure


def _spread(row: ForestRow) -> tuple[float, float]:
    """How far an interval reaches below and above its value."""
    assert row.value is not None
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    return max(0.0, row.value - low), max(0.0, high - row.value)


def roc_figure(lines: Mapping[str, Mapping[str, Any]], points: Sequence[tuple[str, float, float]] = ()) -> go.Figure:
    """ROC curves by name. lines: name -> a class's curves. points: (title, false-positive rate, sensitivity) to mark."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, name="chance", hoverinfo="skip"
    )
    for place, (name, curves) in enumerate(lines.items()):
        roc = curves["roc"]
        figure.add_scatter(
            x=roc["false_positive_rate"], y=roc["sensitivity"], mode="lines", name=name,
            line={"color": (MAIN, OTHER)[place % 2], "width": 2, "dash": ("solid", "dash")[place % 2]},
        )  # fmt: skip
    for place, (title, x, y) in enumerate(points):
        figure.add_scatter(
            x=[x], y=[y], mode="markers", name=title, marker={"size": 10, "color": OTHER, "symbol": SYMBOLS[place + 1]}
        )
    return _square(figure, "false-positive rate", "sensitivity")


def precision_recall_figure(lines: Mapping[str, Mapping[str, Any]]) -> go.Figure:
    """Precision-recall curves by name; the dotted line is the prevalence of the first, which guessing reaches."""
    figure = go.Figure()
    for place, (name, curves) in enumerate(lines.items()):
        line = curves["precision_recall"]
        figure.add_scatter(
            x=line["recall"], y=line["precision"], mode="lines", name=name,
            line={"color": (MAIN, OTHER)[place % 2], "width": 2, "dash": ("solid", "dash")[place % 2]},
        )  # fmt: skip
        if not place:
            figure.add_hline(curves["prevalence"], line={"color": GREY, "dash": "dot"})
    return _square(figure, "recall (sensitivity)", "precision (PPV)")


def reliability_figure(reliability: Mapping[str, Sequence[float]]) -> go.Figure:
    """How often the answer was right, by the probability that was given for it, in bins of equally many images."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, name="as promised", hoverinfo="skip"
    )
    value, low, high = (reliability[name] for name in ("value", "low", "high"))
    figure.add_scatter(
        x=reliability["confidence"], y=value, mode="markers+lines", name="measured",
        marker={"size": 8, "color": MAIN}, line={"color": MAIN, "width": 1},
        error_y={"type": "data", "symmetric": False, "thickness": 1.2, "width": 3,
                 "array": [top - at for at, top in zip(value, high, strict=True)],
                 "arrayminus": [at - bottom for at, bottom in zip(value, low, strict=True)]},
        customdata=reliability["images"],
        hovertemplate="promised %{x:.0%}, right %{y:.0%} of %{customdata:,.0f} images<extra></extra>",
    )  # fmt: skip
    return _square(figure, "probability of the predicted class", "share of right answers")


def net_benefit_figure(threshold: Sequence[float], curves: Mapping[str, Any]) -> go.Figure:
    """The decision curve: net benefit a person of acting on the model, on everybody and on nobody (Vickers 2006)."""
    share, figure = curves["prevalence"], go.Figure()
    _band(figure, threshold, curves["net_benefit"], "act on the model")
    everybody = [share - (1 - share) * t / (1 - t) for t in threshold]
    figure.add_scatter(
        x=threshold, y=everybody, mode="lines", name="act on everybody", line={"color": OTHER, "dash": "dash"}
    )
    figure.add_hline(0, line={"color": GREY, "dash": "dot"}, annotation_text="act on nobody")
    _square(figure, "threshold", "net benefit a person")
    figure.update_yaxes(range=[-0.05, max(0.06, share * 1.15)])
    return figure


def abstention_figure(abstention: Mapping[str, Sequence[float]]) -> go.Figure:
    """Accuracy on the images that are answered, where the most uncertain are not."""
    figure = go.Figure()
    _band(figure, abstention["answered"], abstention, "accuracy")
    _square(figure, "share of images answered", "accuracy on them")
    figure.update_yaxes(range=None)
    return figure


def confusion_figure(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> go.Figure:
    """Counts by true and predicted class. Clicks give `customdata` [true, predicted] as indices.

    A heatmap gives no clicks, so invisible markers above its cells take them.
    """
    size = range(len(classes))
    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=list(size), y=list(size), zmin=0, zmax=1, colorscale=[[0, "#eef4f7"], [1, MAIN]], showscale=False,
            text=[[f"{count:,}" for count in row] for row in counts], texttemplate="%{text}<br>%{z:.0%}",
            textfont={"size": 15}, hoverinfo="skip", xgap=3, ygap=3,
        )
    )  # fmt: skip
    figure.add_scatter(
        x=[j for _ in size for j in size], y=[i for i in size for _ in size], mode="markers",
        marker={"size": 60, "symbol": "square", "opacity": 0}, customdata=[[i, j] for i in size for j in size],
        hovertemplate="%{text}<extra></extra>", showlegend=False,
        text=[f"{classes[i]} called {classes[j]}: {counts[i][j]:,} images" for i in size for j in size],
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
    )  # fmt: skip
    names = {"tickvals": list(size), "ticktext": list(classes), "fixedrange": True}
    figure.update_xaxes(title="predicted", side="top", **names)
    figure.update_yaxes(title="true", autorange="reversed", **names)
    figure.update_layout(height=120 + 84 * len(classes), margin={"l": 0, "r": 0, "t": 8, "b": 0}, dragmode=False)
    return figure


def _band(figure: go.Figure, x: Sequence[float], band: Mapping[str, Sequence[float | None]], name: str) -> None:
    """A line with its interval as an area."""
    known = [place for place, value in enumerate(band["value"]) if value is not None and band["low"][place] is not None]
    at = [x[place] for place in known]
    low, high, value = ([band[key][place] for place in known] for key in ("low", "high", "value"))
    figure.add_scatter(
        x=[*at, *at[::-1]], y=[*high, *low[::-1]], fill="toself", fillcolor=BAND, line={"width": 0}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    figure.add_scatter(x=at, y=value, mode="lines", name=name, line={"color": MAIN, "width": 2})


def _square(figure: go.Figure, x_title: str, y_title: str) -> go.Figure:
    figure.update_xaxes(title=x_title, range=[-0.01, 1.01], fixedrange=True)
    figure.update_yaxes(title=y_title, range=[-0.01, 1.02], fixedrange=True)
    figure.update_layout(height=SIDE, margin={"l": 0, "r": 8, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.25})
    return figure
