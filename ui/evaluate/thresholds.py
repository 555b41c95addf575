"""The threshold slider: errors as people per 1,000 at a chosen prevalence, and the decision curve."""

from typing import Final

import streamlit as st

from covid_model.evaluation.people import PEOPLE, People, people
from covid_model.evaluation.stored import StoredReport
from covid_model.plots.evaluation import net_benefit_figure
from ui.evaluate.reports import PLAIN
from ui.inert import inert, inert_figure

PREVALENCES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
POINTS: Final = {"specificity_0.95": "95% specificity", "sensitivity_0.95": "95% sensitivity"}
SLIDER: Final = "threshold"


def _go_to(place: int) -> None:
    st.session_state[SLIDER] = place


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def thresholds(report: StoredReport, name: str) -> None:
    """Of 1,000 people: found, missed, alarmed for nothing; then operating points and the decision curve."""
    content = report.content
    curves, grid = content["curves"][name], content["curves"]["threshold"]
    points = content["operating_points"].get(name, {"thresholds": {}})
    places = {key: min(range(len(grid)), key=lambda i: abs(grid[i] - at)) for key, at in points["thresholds"].items()}
    if SLIDER not in st.session_state:
        st.session_state[SLIDER] = places.get("specificity_0.95", len(grid) // 2)
    left, right = st.columns(2, gap="large")
    with left:
        place = st.select_slider(
            f"An image is called {inert(name)} from this probability on",
            range(len(grid)),
            key=SLIDER,
            format_func=lambda at: f"{grid[at]:.0%}",
        )
        with st.container(horizontal=True):
            for key, at in places.items():
                label = f"{POINTS[key]} on validation: {grid[at]:.0%}"
                st.button(label, key=f"go_{key}", on_click=_go_to, args=(at,))
    with right:
        prevalence = st.select_slider(
            f"Of the people examined, this share has {inert(name)}", PREVALENCES, 0.1, key="prevalence", format_func=_percent
        )
    _cards(people(curves, int(place), float(prevalence)), name)
    if points["thresholds"]:
        st.subheader("Operating points, chosen on validation images", anchor=False)
        st.dataframe(_operating_rows(points), hide_index=True)
        st.caption(
            "Each threshold keeps its promise on the validation images; the columns say what it becomes on the test images. "
            f"Of these {_percent(curves['prevalence'])} have {inert(name)}; above, the predictive values are those at the "
            "prevalence that you chose."
        )
    st.subheader("Is acting on the model better than acting on everybody or nobody?", anchor=False)
    figure = net_benefit_figure(grid, curves)
    st.plotly_chart(inert_figure(figure), key="benefit", config=PLAIN, alt="Net benefit by threshold")
    st.caption(
        f"Net benefit at the prevalence of the test images, {_percent(curves['prevalence'])} (Vickers 2006). The threshold "
        "is the probability at which the harm of a needless action and the benefit of a needed one balance."
    )


def _cards(found: People, name: str) -> None:
    """Four numbers of people, and the predictive values as a sentence."""
    st.markdown(f"**Of {PEOPLE:,} people, {found.sick:,.0f} have {inert(name)}.** The model")
    shown = (
        ("finds", found.found, "They have it and are called."),
        ("misses", found.missed, "They have it and are not called."),
        ("alarms for nothing", found.alarms, "They do not have it and are called."),
        ("clears rightly", found.cleared, "They do not have it and are not called."),
    )
    for column, (title, estimate, meaning) in zip(st.columns(4), shown, strict=True):
        with column:
            st.metric(title, estimate.text().split(" (")[0], help=meaning, border=True)
            if estimate.low is not None and estimate.high is not None:
                st.caption(f"95% interval {estimate.low:,.0f} to {estimate.high:,.0f}")
    st.markdown(
        f"Of those called, {found.ppv.text('.0%')} have it (PPV). Of those not called, {found.npv.text('.1%')} do not (NPV)."
    )


def _operating_rows(points: dict[str, dict[str, dict[str, list[float | None]]]]) -> list[dict[str, str]]:
    from covid_model.evaluation.people import Estimate

    rows = []
    for place, (key, threshold) in enumerate(points["thresholds"].items()):
        measured = {
            (f"{measure.upper()}, test prevalence" if measure.endswith("pv") else measure): Estimate(
                *(band[end][place] for end in ("value", "low", "high"))
            ).text(".0%")
            for measure, band in points["test"].items()
        }
        rows.append({"chosen for": POINTS[key], "threshold": f"{threshold:.0%}", **measured})
    return rows
