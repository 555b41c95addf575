"""The scores of each model under its own split and under stricter ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

COLOURS: Final = ("#9db4bf", "#2a7f9e", "#7b5ea7", "#c2571a", "#6a8f3c")
SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "x")
"""One a split, so that splits are distinguishable without colours."""


@dataclass(frozen=True)
class ModelScores:
    """One model. by_split: split -> AUC of COVID-19 against the rest as {value, low, high}; None where not measured."""

    title: str
    by_split: Mapping[str, dict[str, Any] | None]


def gap_figure(models: Sequence[ModelScores]) -> go.Figure:
    """For each model a row with one mark and 95 % interval a split."""
    figure = go.Figure()
    splits = list(dict.fromkeys(split for model in models for split in model.by_split))
    for place, split in enumerate(splits):
        known = [(row, score) for row, model in enumerate(models) if (score := model.by_split.get(split)) and score["value"]]
        shift = 0.16 * (place - (len(splits) - 1) / 2)
        figure.add_scatter(
            x=[score["value"] for _, score in known],
            y=[row + shift for row, _ in known],
            mode="markers",
            marker={"size": 9, "color": COLOURS[place], "symbol": SYMBOLS[place]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [(score["high"] or score["value"]) - score["value"] for _, score in known],
                "arrayminus": [score["value"] - (score["low"] or score["value"]) for _, score in known],
                "color": COLOURS[place],
                "thickness": 1.2,
                "width": 3,
            },
            name=split,
            customdata=[models[row].title for row, _ in known],
            hovertemplate=f"%{{customdata}}, {split}: %{{x:.3f}}<extra></extra>",
        )
    figure.add_vline(0.5, line={"color": "#888", "dash": "dot"})
    figure.update_xaxes(title="AUC of COVID-19 against the rest (0.5 is chance)", range=[0.0, 1.02])
    figure.update_yaxes(
        tickvals=list(range(len(models))), ticktext=[model.title for model in models], range=[len(models) - 0.5, -0.5]
    )
    figure.update_layout(
        height=120 + 64 * len(models), margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend={"orientation": "h", "y": -0.18}
    )
    return figure
