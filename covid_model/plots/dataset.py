"""Distributions of a data set from its description, and the map of its images."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from covid_model.data.description import Counts
from covid_model.data.filters import AGE_BANDS, OLDEST, UNKNOWN

COLOURS: Final = (
    "#2a7f9e",
    "#c2571a",
    "#4b8b3b",
    "#8a5fb0",
    "#b8860b",
    "#c0507a",
    "#5a6b75",
    "#1f4e79",
    "#7f7f2a",
    "#444444",
)
SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "x", "cross", "star", "hexagon", "pentagon", "triangle-down")
MARGIN: Final = {"l": 0, "r": 0, "t": 30, "b": 0}


def counts_figure(title: str, counts: Counts, labels: Sequence[str]) -> go.Figure:
    """Stacked bars: images of each label by value, the most frequent value on top, or age bands in order."""
    bands = [name for _, name in AGE_BANDS]
    order = {name: -place for place, name in enumerate([*bands, OLDEST, UNKNOWN])} if bands[0] in counts else {}
    values = sorted(counts, key=lambda value: (order.get(value, 0), sum(counts[value].values())))
    figure = go.Figure()
    for label, colour in zip(labels, COLOURS, strict=False):
        images = [counts[value].get(label, 0) for value in values]
        figure.add_bar(
            x=images, y=values, name=label, orientation="h", marker_color=colour, hovertemplate="%{y}, " + label + ": %{x:,}"
        )
    figure.update_layout(
        title=title, barmode="stack", height=120 + 30 * len(values), margin=MARGIN, legend={"orientation": "h", "y": -0.2}
    )
    return figure


def spread_figure(title: str, spreads: dict[str, list[float]]) -> go.Figure:
    """One box a value, with marks at the quantiles 5, 25, 50, 75 and 95%. spreads: value -> these five."""
    figure = go.Figure()
    for place, (value, (low, quarter, middle, three, high)) in enumerate(spreads.items()):
        figure.add_box(
            y=[value], orientation="h", lowerfence=[low], q1=[quarter], median=[middle], q3=[three], upperfence=[high],
            name=value, marker_color=COLOURS[place % len(COLOURS)], showlegend=False,
        )  # fmt: skip
    figure.update_layout(title=title, height=110 + 34 * len(spreads), margin=MARGIN)
    return figure


def map_figure(images: pd.DataFrame, colour: str) -> go.Figure:
    """Every image as a point, close to images with similar embeddings. images: map_x, map_y, digest, column `colour`."""
    figure = go.Figure()
    values = images[colour].astype(str).replace({"": "not stated", "None": "not stated", "nan": "not stated"})
    for place, value in enumerate(values.value_counts().index):
        part = images[values == value]
        figure.add_scattergl(
            x=part["map_x"],
            y=part["map_y"],
            mode="markers",
            name=f"{value} ({len(part):,})",
            marker={"size": 6, "opacity": 0.75, "color": COLOURS[place % 10], "symbol": SYMBOLS[place % 10]},
            customdata=part["digest"],
            hovertemplate=f"{value}<extra></extra>",
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(height=560, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h"}, dragmode="lasso")
    return figure
