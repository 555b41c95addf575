"""What lies behind each trust score, as one small figure."""

from collections.abc import Callable
from typing import Any, Final

import plotly.graph_objects as go

from covid_model.audit.score import TrustScore

OURS: Final = "#2a7f9e"
OTHERS: Final = "#9db4bf"
LINE: Final = "#c2571a"


def has_figure(score: TrustScore) -> bool:
    """Is there anything to draw?"""
    return score.key in FIGURES and bool(score.details)


def trust_figure(score: TrustScore) -> go.Figure:
    """The figure of a score that has one."""
    figure = FIGURES[score.key](score)
    figure.update_layout(
        height=max(150, figure.layout.height or 210),
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        legend={"orientation": "h", "y": -0.25},
        bargap=0.35,
    )
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


def _bars(values: dict[str, float], ours: str | None, *, line: float | None = None, form: str = ".0%") -> go.Figure:
    """Horizontal bars, first on top; `ours` stands out, `line` is what it must beat or stay below."""
    names = list(values)[::-1]
    figure = go.Figure(
        go.Bar(
            x=[values[name] for name in names],
            y=names,
            orientation="h",
            marker_color=[OURS if name == ours else OTHERS for name in names],
            text=[format(values[name], form) for name in names],
            textposition="auto",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    if line is not None:
        figure.add_vline(line, line={"color": LINE, "width": 2, "dash": "dot"})
    figure.update_xaxes(tickformat=form, rangemode="tozero")
    figure.update_layout(height=44 + 26 * len(names), showlegend=False)
    return figure


def _attention(score: TrustScore) -> go.Figure:
    known = score.details
    spread = {"even over the image": known["of_image"], "even over what it saw": known["of_seen"]}
    return _bars(
        {"this heatmap": score.value or 0.0, **spread, **known["baseline_maps"]}, "this heatmap", line=known["line"]
    )


def _region_ablation(score: TrustScore) -> go.Figure:
    return _bars(score.details["probabilities"], "as it is")


def _faithfulness(score: TrustScore) -> go.Figure:
    known = score.details
    figure = go.Figure()
    for name, colour in (("insertion", OURS), ("deletion", LINE)):
        share = [step / (len(known[name]) - 1) for step in range(len(known[name]))]
        label = "shown first" if name == "insertion" else "hidden first"
        line = {"color": colour, "width": 2}
        figure.add_trace(go.Scatter(x=share, y=known[name], mode="lines+markers", name=label, line=line))
    figure.update_xaxes(title="share of the image changed", tickformat=".0%")
    figure.update_yaxes(title="score", rangemode="tozero")
    return figure


def _randomisation(score: TrustScore) -> go.Figure:
    stages = score.details["stages"]
    steps = ["none", "logits", *(f"{stage['layers']} layers" for stage in stages[1:])]
    values = [1.0, *(stage["ssim"] for stage in stages)]
    ranks = [1.0, *(stage["rank"] for stage in stages)]
    figure = go.Figure(go.Scatter(x=steps, y=values, mode="lines+markers", name="similarity (SSIM)", line={"color": OURS}))
    figure.add_trace(go.Scatter(x=steps, y=ranks, mode="lines+markers", name="rank correlation", line={"color": OTHERS}))
    if score.chance is not None:
        figure.add_hline(score.chance, line={"color": LINE, "width": 2, "dash": "dot"})
    figure.update_xaxes(title="weights shuffled, from the logits down")
    return figure


def _stability(score: TrustScore) -> go.Figure | None:
    line = None if score.chance is None else score.chance / 2
    return _bars(score.details["changes"], None, line=line, form=".2f")


def _agreement(score: TrustScore) -> go.Figure:
    known = score.details
    text = [[f"{value:.2f}" for value in row] for row in known["rank"]]
    figure = go.Figure(
        go.Heatmap(
            z=known["rank"],
            x=known["methods"],
            y=known["methods"],
            zmin=-1,
            zmax=1,
            colorscale="RdBu_r",
            text=text,
            texttemplate="%{text}",
            customdata=known["top_overlap"],
            hovertemplate="%{y} and %{x}: rank correlation %{z:.2f}, top tenth overlap %{customdata:.2f}<extra></extra>",
            showscale=False,
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(height=260)
    return figure


def _source(score: TrustScore) -> go.Figure:
    return _bars(score.details["probabilities"], None, line=score.chance)


def _lesions(score: TrustScore) -> go.Figure:
    known = score.details
    others = {name: scores["energy"] for name, scores in known["baseline_maps"].items()}
    return _bars({"this heatmap": known["energy"], **others}, "this heatmap")


FIGURES: Final[dict[str, Callable[[TrustScore], Any]]] = {
    "attention": _attention,
    "region_ablation": _region_ablation,
    "faithfulness": _faithfulness,
    "randomisation": _randomisation,
    "stability": _stability,
    "agreement": _agreement,
    "source": _source,
    "lesions": _lesions,
}
