"""The shortcut audit as matrices: what a classifier is fitted on against what it is tested on."""

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

import plotly.graph_objects as go

Matrix = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Fitted on -> tested on -> interval."""


def shortcut_figure(matrix: Matrix) -> go.Figure:
    """AUC by alteration. White is chance; below it blue, above it red."""
    names = list(matrix)
    return _matrix_figure(matrix, names)


def lettered(matrix: Matrix) -> dict[str, str]:
    """Letter -> sources, of those with any AUC: names of sources are too long for two axes."""
    filled = [(one, other) for one in matrix for other, cell in matrix[one].items() if cell["value"] is not None]
    names = [name for name in matrix if any(name in cell for cell in filled)]
    return dict(zip(ascii_uppercase, names, strict=False))


def between_figure(matrix: Matrix) -> go.Figure:
    """AUC by source, with the letters of `lettered` on both axes; cells without AUC are empty."""
    letters = lettered(matrix)
    chosen = {one: {other: matrix[one][other] for other in letters.values()} for one in letters.values()}
    return _matrix_figure(chosen, list(letters))


def _matrix_figure(matrix: Matrix, titles: list[str]) -> go.Figure:
    """One cell a number, with its interval, or why there is none, on hover. titles: of rows and columns, in their order."""
    names, places = list(matrix), list(range(len(matrix)))
    cells = [[matrix[one][other] for other in names] for one in names]
    figure = go.Figure(
        go.Heatmap(
            z=[[cell["value"] for cell in row] for row in cells], x=places, y=places, zmin=0, zmax=1, zmid=0.5,
            colorscale="RdBu_r", showscale=False, xgap=2, ygap=2,
            text=[["" if cell["value"] is None else f"{cell['value']:.2f}" for cell in row] for row in cells],
            texttemplate="%{text}",
            customdata=[
                [[one, other, _said(cell)] for other, cell in zip(names, row, strict=True)]
                for one, row in zip(names, cells, strict=True)
            ],
            hovertemplate="fitted on %{customdata[0]}, tested on %{customdata[1]}: %{customdata[2]}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title="tested on", side="top", fixedrange=True, tickvals=places, ticktext=titles)
    figure.update_yaxes(title="fitted on", autorange="reversed", fixedrange=True, tickvals=places, ticktext=titles)
    figure.update_layout(height=140 + 46 * len(names), margin={"l": 0, "r": 0, "t": 8, "b": 0})
    return figure


def _said(score: Mapping[str, Any]) -> str:
    if score["value"] is None:
        return str(score.get("why", "not defined"))
    ends = "" if score["low"] is None else f" ({score['low']:.2f} to {score['high']:.2f})"
    return f"AUC {score['value']:.2f}{ends}"
