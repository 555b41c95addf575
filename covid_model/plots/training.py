"""Curves of training runs."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from covid_model.training.history import best_epoch, smoothed, thinned

COLOURS: Final = ("#2a7f9e", "#c2571a", "#4b8b3b", "#8a5fb0", "#b8860b", "#c0507a", "#5a6b75", "#1f4e79")
POINTS: Final = 2000
"""A curve has at most this many points; a screen shows no more."""
AXES: Final = {"epoch": "epoch", "step": "step", "wall time": "minutes since the start"}


def _x(table: pd.DataFrame, axis: str, start: float) -> pd.Series:
    return (table["time"] - start) / 60 if axis == "wall time" else table[axis]


def curve_figure(
    runs: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    metric: str,
    *,
    axis: str,
    smoothing: float,
    log: bool,
) -> go.Figure:
    """One metric of several runs: (steps, epochs) by name. Training faint with its smoothed line, validation with dots.

    metric: a column of the steps, as "loss", with its validation twin "val_loss" in the epochs; either may be absent.
    axis: a key of AXES. The best epoch by validation loss is marked.
    """
    figure = go.Figure()
    for (name, (steps, epochs)), colour in zip(runs.items(), COLOURS, strict=False):
        tables = [table for table in (steps, epochs) if not table.empty]
        if not tables:
            continue
        start = float(min(table["time"].min() for table in tables))
        if metric in steps:
            x, raw = _x(steps, axis, start), steps[metric]
            faint, strong = {"color": colour, "width": 1}, {"color": colour, "width": 2}
            for values, look in (
                (raw, {"line": faint, "opacity": 0.25, "showlegend": False}),
                (smoothed(raw, smoothing), {"line": strong, "name": f"{name}, training"}),
            ):
                kept = thinned(values, POINTS)
                figure.add_scattergl(x=x.iloc[kept], y=values.iloc[kept], mode="lines", **look)
        _add_epochs(figure, name, epochs, metric, colour, axis, start)
    figure.update_xaxes(title=AXES[axis])
    figure.update_yaxes(title=metric.replace("_", " "), type="log" if log else "linear")
    legend = {"orientation": "h", "y": -0.25}
    figure.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend=legend, uirevision="run")
    return figure


def _add_epochs(
    figure: go.Figure, name: str, epochs: pd.DataFrame, metric: str, colour: str, axis: str, start: float
) -> None:
    """The validation's line of one run, with a star at the best epoch."""
    column = f"val_{metric}" if f"val_{metric}" in epochs else metric
    if column not in epochs:
        return
    x, label = _x(epochs, axis, start), f"{name}, validation" if column != metric else name
    dots = {"color": colour, "width": 2, "dash": "dot"}
    figure.add_scatter(x=x, y=epochs[column], mode="lines+markers", line=dots, name=label)
    best = best_epoch(epochs)
    if best is not None:
        row = epochs.index[epochs["epoch"] == best][0]
        star = {"symbol": "star", "size": 13, "color": colour}
        figure.add_scatter(x=[x[row]], y=[epochs[column][row]], mode="markers", marker=star, name=f"best epoch {best}")


def confusion_figure(matrix: list[list[int]], classes: tuple[str, ...]) -> go.Figure:
    """Counts, rows true and columns predicted, coloured by the share of the row."""
    shares = [[count / max(1, sum(row)) for count in row] for row in matrix]
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=list(classes), y=list(classes), text=matrix, texttemplate="%{text}", zmin=0, zmax=1,
            colorscale="Blues", showscale=False, hovertemplate="true %{y}, called %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title="called")
    figure.update_yaxes(title="true", autorange="reversed")
    figure.update_layout(height=280, margin={"l": 0, "r": 0, "t": 8, "b": 0})
    return figure
