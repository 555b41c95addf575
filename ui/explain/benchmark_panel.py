"""How often the verdict is right: the curves of the trust benchmark, and which method finds the evidence best."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from covid_model.trust.benchmark import benchmark, benchmark_line
from ui.inert import inert_figure

EVIDENCE: Final = {
    "opacity": "Which method finds the opacity, in models that use no shortcut?",
    "shortcut": "Which method finds the shortcut, in models that use it?",
}


def benchmark_panel(method: str) -> None:
    """An expander with the benchmark's figures; they are drawn once it is open. Nothing without a results file."""
    found = benchmark()
    if not found:
        return
    with st.expander("How often is this verdict right?", key="benchmark", on_change="rerun") as panel:
        if panel.open:
            _show(found, method)


def _show(found: Mapping[str, Any], method: str) -> None:
    from covid_model.plots.benchmark import evidence_figure, roc_figure  # loads Plotly

    counts = found["counts"]
    st.markdown(benchmark_line(method) or "The verdict on heatmaps of this method was not measured.")
    st.caption(
        f"Measured on {counts['models']} networks that were trained on drawn chests, in which a marker, a frame, a lead, "
        f"tone, contrast or size predicted the label: {counts['used']} came to use it, {counts['not used']} did not. Drawn "
        "images show how tests behave where the truth is known; on X-rays they may be better or worse."
    )
    st.markdown("**How well does each test tell models with a shortcut from others?** Area under the curve in brackets.")
    st.plotly_chart(
        inert_figure(roc_figure(found)), key="benchmark_roc", config={"displayModeBar": False}, alt=_areas(found)
    )
    for evidence, title in EVIDENCE.items():
        st.markdown(f"**{title}**")
        figure = inert_figure(evidence_figure(found, evidence))
        st.plotly_chart(figure, key=f"benchmark_{evidence}", config={"displayModeBar": False}, alt=title)


def _areas(found: Mapping[str, Any]) -> str:
    """What the curves say, for who cannot see them."""
    method = found["default_method"]
    areas = {test: cells["shortcut"][method]["all"]["auc"]["value"] for test, cells in found["tests"].items()}
    return "Area under the ROC curve: " + ", ".join(f"{name} {area:.2f}" for name, area in areas.items() if area is not None)
