"""The scores of each model under its own split and under stricter ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

LINES: Final = ("#2a7f9e", "#c2571a", "#4b8b3b", "#8a5fb0", "#b8860b", "#c0507a", "#5a6b75", "#1f9e89")
COLOURS: Final = ("#9db4bf", "#2a7f9e", "#7b5ea7", "#c2571a", "#6a8f3c")
SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up", "x")
"""One a split, so that splits are distinguishable without colours."""


@dataclass(frozen=True)
class ModelScores:
    """One model. by_split: split -> AUC of COVID-19 against the rest as {value, low, high}; None where not measured."""

    title: str
    by_split: Mapping[str, dict[str, Any] | None]


NEAREST: Final = 0.045
"""Least distance of two names at the end of a slope chart, in AUC, so that they can be read."""


def splits_of(models: Sequence[ModelScores]) -> list[str]:
    """Every split, the models' own first."""
    return list(dict.fromkeys(split for model in models for split in model.by_split))


def known_score(model: ModelScores, split: str) -> dict[str, Any] | None:
    """The score of a model under a split, or None where it was not measured."""
    score = model.by_split.get(split)
    return score if score and score["value"] is not None else None


def slope_figure(models: Sequence[ModelScores], own: str, honest: str) -> go.Figure:
    """One line a model, from its AUC under its own split to that under an honest one, with its name at the end.

    Models that lack one of the two scores are left out.
    """
    lines = [
        (model, first, last)
        for model in models
        if (first := known_score(model, own)) and (last := known_score(model, honest))
    ]
    figure = go.Figure()
    for place, (model, first, last) in enumerate(lines):
        colour = LINES[place % len(LINES)]
        figure.add_scatter(
            x=[0, 1],
            y=[first["value"], last["value"]],
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 9, "symbol": SYMBOLS[place % len(SYMBOLS)]},
            name=model.title,
            customdata=[[model.title, own], [model.title, honest]],
            hovertemplate="%{customdata[0]}, %{customdata[1]}: %{y:.2f}<extra></extra>",
        )
    for (model, _, last), height in zip(lines, spread_out([last["value"] for _, _, last in lines]), strict=True):
        text = f"{last['value']:.2f} {model.title}"
        figure.add_annotation(x=1, xshift=8, y=height, text=text, showarrow=False, xanchor="left", font={"size": 12})
    figure.add_shape(type="line", x0=0, x1=1, y0=0.5, y1=0.5, line={"color": "#888", "dash": "dot"})
    figure.add_annotation(x=0, y=0.5, text="chance", showarrow=False, xanchor="left", yanchor="top", font={"size": 12})
    # names at the lines' ends need more than half of a phone's width
    figure.update_xaxes(
        tickvals=[0, 1], ticktext=["own split", "honest"], range=[-0.4, 2.9], fixedrange=True, showgrid=False
    )
    figure.update_yaxes(title="AUC of COVID-19", range=[0, 1.05], fixedrange=True)
    figure.update_layout(height=440, margin={"l": 0, "r": 0, "t": 8, "b": 0}, showlegend=False)
    return figure


def spread_out(heights: Sequence[float]) -> list[float]:
    """The heights of names, moved up as far as needed so that they do not overlap.

    >>> [round(height, 3) for height in spread_out([0.5, 0.9, 0.51])]
    [0.5, 0.9, 0.545]
    """
    placed = list(heights)
    last = float("-inf")
    for place in sorted(range(len(placed)), key=placed.__getitem__):
        last = placed[place] = max(placed[place], last + NEAREST)
    return placed


def gap_figure(models: Sequence[ModelScores]) -> go.Figure:
    """For each model a row with one mark and 95% interval a split."""
    figure = go.Figure()
    splits = splits_of(models)
    for place, split in enumerate(splits):
        known = [(row, score) for row, model in enumerate(models) if (score := known_score(model, split))]
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
