"""The confusion matrix, whose cells open their images; a select box does the same for keyboards."""

from typing import Final

import streamlit as st

from covid_model.evaluation.stored import StoredReport, probability_column
from covid_model.plots.evaluation import confusion_figure
from ui.evaluate.heatmaps import mean_heatmaps
from ui.evaluate.reports import PAGE, PLAIN, show_report_images
from ui.inert import inert, inert_figure
from ui.links import linked_select

CHART: Final = "confusion"
CELL: Final = "cell"
CHOICE: Final = f"{CELL}_choice"
"""Where `linked_select` keeps the cell."""
ALL_ERRORS: Final = "errors"


def _chosen_on_chart() -> None:
    """Take a click on the matrix over into the select box."""
    points = st.session_state[CHART]["selection"]["points"]
    if points:
        true, predicted = points[0]["customdata"]
        st.session_state[CHOICE] = f"{true}-{predicted}"
        st.session_state["errors_page"] = 1


def errors(report: StoredReport, _: str) -> None:
    """The matrix beside the choice of a cell, the images of that cell, worst errors first, and mean heatmaps."""
    _images(report)
    mean_heatmaps(report)


def _images(report: StoredReport) -> None:
    counts, classes = report.test["confusion"], report.classes
    cells = {ALL_ERRORS: "All errors, the most confident first"} | {
        f"{i}-{j}": f"{classes[i]} called {classes[j]}: {counts[i][j]:,} images"
        for i in range(len(classes))
        for j in range(len(classes))
    }
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.plotly_chart(
            inert_figure(confusion_figure(counts, classes)), key=CHART, config=PLAIN, on_select=_chosen_on_chart,
            selection_mode="points", alt="Confusion matrix: rows true, columns predicted classes",
        )  # fmt: skip
        st.caption(
            "Rows are true classes, columns the most likely ones by the model; a sensitivity at a threshold differs. "
            "Click a cell to see its images."
        )
    with right:
        cell = linked_select("Images of", cells, CELL, help="The same choice as a click on the matrix.")
        rows = report.predictions
        rows = rows[rows["split"] == "test"]
        if cell == ALL_ERRORS:
            rows = rows[rows["class"] != rows["predicted"]]
        else:
            true, predicted = (classes[int(part)] for part in cell.split("-"))
            rows = rows[(rows["class"] == true) & (rows["predicted"] == predicted)]
        columns = [probability_column(name) for name in classes]
        order = rows[columns].max(axis=1).to_numpy().argsort(kind="stable")[::-1]
        st.markdown(f"**{len(rows):,} images**, those with the highest probability first")
        last = max(1, -(-len(rows) // PAGE))
        if st.session_state.get("errors_page", 1) > last:
            st.session_state["errors_page"] = last
        number = st.number_input(f"Page (of {last:,})", 1, last, key="errors_page") if last > 1 else 1
        if not len(rows):
            st.info(f"No test image: {inert(cells[cell])}.", icon=":material/check:")
            return
    start = (int(number) - 1) * PAGE
    show_report_images("errors", report, rows.iloc[order[start : start + PAGE]])
