"""Mean heatmaps side by side, with the outline of the lungs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
from plotly.colors import hex_to_rgb, sequential
from plotly.subplots import make_subplots

TILE: Final = 150
"""Height of one heatmap in pixels."""
EVEN: Final = 100
"""Percent of a heatmap that is evenly spread."""
OUTLINE: Final = "#7fd4f0"
COLOURS: Final = [f"rgb{hex_to_rgb(colour)}" for colour in sequential.Inferno]
"""As numbers: Streamlit's theme replaces "#000004", the first of them, and others like it by a colour of its own."""
SPACING: Final = 0.02


def mean_heatmap_figure(tiles: Sequence[tuple[str, Mapping[str, Any]]], columns: int) -> go.Figure:
    """One picture a tile, in rows of `columns`. tiles: (title, {"map": (n, n) percent or None, "lungs": (n, n) percent}).

    All share one scale: 100% is a heatmap that is the same everywhere. The line is where lungs are on half of the images.
    """
    rows = -(-len(tiles) // columns)
    figure = make_subplots(
        rows, columns, subplot_titles=[title for title, _ in tiles], horizontal_spacing=SPACING,
        vertical_spacing=min(0.18, 0.3 / rows),
    )  # fmt: skip
    highest = max((value for _, tile in tiles if tile["map"] for row in tile["map"] for value in row), default=EVEN)
    for place, (_, tile) in enumerate(tiles):
        if not tile["map"]:
            continue
        where = {"row": place // columns + 1, "col": place % columns + 1}
        figure.add_trace(
            go.Heatmap(
                z=tile["map"], zmin=0, zmax=highest, colorscale=COLOURS, zsmooth="best", showscale=place == 0,
                colorbar={"ticksuffix": "%", "thickness": 10, "len": 1}, hovertemplate="%{z}%<extra></extra>",
            ),
            **where,
        )  # fmt: skip
        figure.add_trace(
            go.Contour(
                z=tile["lungs"], contours={"start": 50, "end": 50, "size": 1, "coloring": "none"}, showscale=False,
                line={"color": OUTLINE, "width": 1.5}, hoverinfo="skip",
            ),
            **where,
        )  # fmt: skip
    figure.update_xaxes(visible=False, fixedrange=True, constrain="domain")
    figure.update_yaxes(visible=False, fixedrange=True, autorange="reversed", constrain="domain")
    figure.for_each_yaxis(lambda axis: axis.update(scaleanchor=axis.anchor))  # squares
    figure.update_annotations(font_size=11)
    figure.update_layout(height=rows * (TILE + 30) + 10, margin={"l": 0, "r": 0, "t": 26, "b": 0}, showlegend=False)
    return figure
