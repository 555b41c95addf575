"""How often the verdict is right: the curves of the trust benchmark, and which method finds the evidence best."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from covid_model.trust.benchmark import DEFAULT_RULE, EVIDENCE, HALVES, benchmark, benchmark_line, default_line, map_label
from ui.inert import inert_figure

SCORES: Final = {"hit": "pointing game", "energy": "energy inside", "auprc": "AUPRC"}


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
    st.markdown(f"**Which method finds the planted evidence best?** {default_line(found)}")
    st.caption(
        f"{DEFAULT_RULE} Pointing game: the highest value is on the evidence. Energy inside: share of the map on it. AUPRC: "
        "area under precision-recall. 95% intervals by bootstrap over models."
    )
    for evidence, models in EVIDENCE.items():
        title = f"The {evidence}, in {models}"
        st.markdown(f"**{title}**")
        figure = inert_figure(evidence_figure(found, evidence))
        st.plotly_chart(figure, key=f"benchmark_{evidence}", config={"displayModeBar": False}, alt=title)
        maps_table(_evidence_rows(found, evidence), f"benchmark_{evidence}_rows")


def maps_table(rows: list[dict[str, Any]], key: str) -> None:
    """All rows at once; the column "map" stays where a phone scrolls the others."""
    pinned = {"map": st.column_config.TextColumn(pinned=True)}
    st.dataframe(rows, hide_index=True, height="content", column_config=pinned, key=key)


def _evidence_rows(found: Mapping[str, Any], evidence: str) -> list[dict[str, Any]]:
    """The bars' numbers as a table, the best map first, with the difference to the default method on each half."""
    known, default = found["evidence"][evidence], map_label(found["default_method"])
    best_first = sorted(known["all"].items(), key=lambda item: -(item[1]["auprc"]["value"] or 0))
    return [
        {"map": map_label(name), "models": cells["auprc"]["models"]}
        | {title: estimate_text(cells[score]) for score, title in SCORES.items()}
        | {f"AUPRC less {default}'s": estimate_text(cells["better"])}
        | {f"… on half {half}": estimate_text(known[half].get(name, {}).get("better")) for half in HALVES}
        for name, cells in best_first
    ]


def estimate_text(cells: Mapping[str, Any] | None) -> str:
    """A number with its interval."""
    if cells is None or cells["value"] is None:
        return "not measured"
    value, low, high = (
        None if cells[key] is None else f"{round(cells[key], 2) + 0.0:.2f}" for key in ("value", "low", "high")
    )
    return f"{value}" if low is None else f"{value} ({low} to {high})"


def _areas(found: Mapping[str, Any]) -> str:
    """What the curves say, for who cannot see them."""
    method = found["default_method"]
    areas = {test: cells["shortcut"][method]["all"]["auc"]["value"] for test, cells in found["tests"].items()}
    return "Area under the ROC curve: " + ", ".join(f"{name} {area:.2f}" for name, area in areas.items() if area is not None)
