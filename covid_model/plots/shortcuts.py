"""The shortcut audit as a matrix: what a classifier is fitted on against what it is tested on."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go


def shortcut_figure(matrix: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> go.Figure:
    """AUC by alteration. matrix: fitted on -> tested on -> interval. White is chance; below it blue, above it red."""
    names = list(matrix)
    values = [[matrix[one][other]["value"] for other in names] for one in names]
    ends = [[_ends(matrix[one][other]) for other in names] for one in names]
    figure = go.Figure(
        go.Heatmap(
            z=values, x=names, y=names, zmin=0, zmax=1, zmid=0.5, colorscale="RdBu_r", showscale=False, xgap=2, ygap=2,
            texttemplate="%{z:.2f}", customdata=ends,
            hovertemplate="fitted on %{y}, tested on %{x}: AUC %{z:.2f}%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title="tested on", side="top", fixedrange=True)
    figure.update_yaxes(title="fitted on", autorange="reversed", fixedrange=True)
    figure.update_layout(height=140 + 46 * len(names), margin={"l": 0, "r": 0, "t": 8, "b": 0})
    return figure


def _ends(score: Mapping[str, Any]) -> str:
    return "" if score["low"] is None else f" ({score['low']:.2f} to {score['high']:.2f})"
