"""Charts of the trust benchmark: how well tests tell models apart, and which maps find the planted evidence."""

from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go

from covid_model.plots.trust import HIGHLIGHT, OTHERS
from covid_model.trust.benchmark import map_label, roc_points
from covid_model.trust.trust_tests import TRUST_TESTS

HEIGHT: Final = 360
MARGIN: Final = {"l": 0, "r": 8, "t": 8, "b": 0}


def roc_figure(results: Mapping[str, Any]) -> go.Figure:
    """One ROC curve a test: models that use their shortcut against models that do not. results: `trust.benchmark`'s."""
    figure = go.Figure()
    for test in (key for key in TRUST_TESTS if key in results["lines"]):
        alarms, caught = roc_points(test, results)
        area = results["tests"][test]["shortcut"][results["default_method"]]["all"]["auc"]["value"]
        if alarms and area is not None:
            name = f"{TRUST_TESTS[test].question} ({area:.2f})"
            figure.add_scatter(x=alarms, y=caught, mode="lines", name=name, line_shape="hv")
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": OTHERS, "dash": "dot"}, showlegend=False)
    figure.update_xaxes(title="models without shortcut that are accused", tickformat=".0%", fixedrange=True)
    figure.update_yaxes(title="models with shortcut that are caught", tickformat=".0%", fixedrange=True)
    return figure.update_layout(height=HEIGHT, margin=MARGIN, legend={"orientation": "h", "y": -0.25})


def evidence_figure(results: Mapping[str, Any], evidence: str) -> go.Figure:
    """Area under precision-recall of every map against the planted evidence. evidence: opacity or shortcut."""
    found = {name: cells["auprc"] for name, cells in results["evidence"][evidence]["all"].items()}
    known = {name: cells for name, cells in found.items() if cells["low"] is not None}
    names = sorted(known, key=lambda name: known[name]["value"])
    values = [known[name]["value"] for name in names]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=[map_label(name) for name in names],
            orientation="h",
            marker_color=[HIGHLIGHT if name == results["default_method"] else OTHERS for name in names],
            error_x={
                "symmetric": False,
                "array": [known[name]["high"] - value for name, value in zip(names, values, strict=True)],
                "arrayminus": [value - known[name]["low"] for name, value in zip(names, values, strict=True)],
            },
        )
    )
    figure.update_xaxes(title="area under precision-recall", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure.update_layout(height=60 + 26 * len(names), margin=MARGIN, showlegend=False)
