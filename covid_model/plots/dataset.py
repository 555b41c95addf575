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
    """Bars of 100%: the share of each label among the images of a value, which stands behind the value with their number.

    The most frequent value is on top, or age bands are in order. `legend_figure` says which colour is which label.
    """
    bands = [name for _, name in AGE_BANDS]
    order = {name: -place for place, name in enumerate([*bands, OLDEST, UNKNOWN])} if counts.keys() & set(bands) else {}
    values = sorted(counts, key=lambda value: (order.get(value, 0), sum(counts[value].values())))
    totals = {value: max(1, sum(counts[value].values())) for value in values}
    figure = go.Figure()
    for label, colour in zip(labels, COLOURS, strict=False):
        images = [counts[value].get(label, 0) for value in values]
        figure.add_bar(
            x=[count / totals[value] for count, value in zip(images, values, strict=True)],
            y=[f"{value} ({totals[value]:,})" for value in values],
            name=label,
            orientation="h",
            marker_color=colour,
            customdata=images,
            hovertemplate="%{y}, " + label + ": %{x:.0%}, %{customdata:,} images<extra></extra>",
        )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1], fixedrange=True)
    figure.update_yaxes(automargin=True, fixedrange=True, ticksuffix="  ")
    margin = MARGIN | {"r": 24}  # half of the last tick's text
    figure.update_layout(title=title, barmode="stack", height=90 + 30 * len(values), margin=margin, showlegend=False)
    return figure


def legend_figure(labels: Sequence[str]) -> go.Figure:
    """The colours of the labels, once for all charts of `counts_figure`."""
    figure = go.Figure()
    for label, colour in zip(labels, COLOURS, strict=False):
        figure.add_bar(x=[None], y=[None], name=label, marker_color=colour, showlegend=True)
    figure.update_xaxes(visible=False, fixedrange=True)
    figure.update_yaxes(visible=False, fixedrange=True)
    legend = {"orientation": "h", "y": 0.5, "yanchor": "middle", "x": 0, "itemclick": False, "itemdoubleclick": False}
    figure.update_layout(height=40, margin={"l": 0, "r": 0, "t": 0, "b": 0}, legend=legend)
    return figure


def spread_figure(title: str, spreads: dict[str, list[float]]) -> go.Figure:
    """One box a value, with marks at the quantiles 5%, 25%, 50%, 75% and 95%. spreads: value -> these five."""
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
