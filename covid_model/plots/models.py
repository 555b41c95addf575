"""What each model scores under its own split and under the honest one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go


@dataclass(frozen=True)
class ModelScores:
    """AUC of COVID-19 against the rest of one model, as intervals {value, low, high}; None where it was not measured."""

    title: str
    own: dict[str, Any] | None
    honest: dict[str, Any] | None


def gap_figure(models: Sequence[ModelScores]) -> go.Figure:
    """For each model a line from its own split's score to the honest one, with 95 % intervals."""
    figure = go.Figure()
    names = [model.title for model in models]
    for label, colour, pick in (("its own split", "#9db4bf", "own"), ("patients apart, all sources", "#2a7f9e", "honest")):
        scores = [getattr(model, pick) for model in models]
        known = [(name, score) for name, score in zip(names, scores, strict=True) if score and score["value"] is not None]
        figure.add_scatter(
            x=[score["value"] for _, score in known],
            y=[name for name, _ in known],
            mode="markers",
            marker={"size": 12, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [(score["high"] or score["value"]) - score["value"] for _, score in known],
                "arrayminus": [score["value"] - (score["low"] or score["value"]) for _, score in known],
                "color": colour,
            },
            name=label,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    figure.add_vline(0.5, line={"color": "#c2571a", "dash": "dot"})
    figure.update_xaxes(title="AUC of COVID-19 against the rest (0.5 is chance)", range=[0.3, 1.02])
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    figure.update_layout(
        height=90 + 44 * len(names), margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.3}
    )
    return figure
