"""The calibrated probability and the operating point of every class."""

from collections.abc import Mapping
from typing import Final

import plotly.graph_objects as go

BAR: Final = "#2a7f9e"
OTHER: Final = "#9db4bf"


def probability_figure(
    probabilities: Mapping[str, float], thresholds: Mapping[str, Mapping[str, float]], explained: str
) -> go.Figure:
    """Horizontal bars, one a class in the model's order; a tick marks the operating point of 95% specificity.

    explained: the class whose bar is emphasised; none is where it is not a class (a difference).
    """
    names = list(probabilities)[::-1]
    values = [probabilities[name] for name in names]
    colours = [BAR if name == explained else OTHER for name in names]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=names,
            orientation="h",
            marker_color=colours,
            text=[f"{value:.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )
    points = [thresholds.get(name, {}).get("specificity_0.95") for name in names]
    figure.add_trace(
        go.Scatter(
            x=points,
            y=names,
            mode="markers",
            marker={"symbol": "line-ns", "size": 22, "line": {"width": 2, "color": "#c2571a"}},
            hovertemplate="called %{y} from %{x:.3f} on (95% specificity on validation images)<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.15], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1], fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    margin = {"l": 0, "r": 0, "t": 4, "b": 0}
    figure.update_layout(height=60 + 38 * len(names), margin=margin, showlegend=False, bargap=0.35)
    return figure
