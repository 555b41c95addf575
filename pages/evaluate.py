"""Evaluate: what a model's score is worth, where it errs, and what a threshold means for people."""

from collections.abc import Callable

import streamlit as st

from covid_model.evaluation.stored import StoredReport
from ui.evaluate import ablation
from ui.evaluate.compare import compare
from ui.evaluate.download import download
from ui.evaluate.errors import errors
from ui.evaluate.groups import groups
from ui.evaluate.overview import COVID, overview
from ui.evaluate.reports import offered_reports, report_in, titles
from ui.evaluate.shortcuts import shortcuts
from ui.evaluate.thresholds import thresholds
from ui.inert import inert
from ui.links import linked_select
from ui.menu import require_entry
from ui.notices import show_errors

VIEWS: dict[str, Callable[[StoredReport, str], None]] = {
    "Scores": overview,
    "Threshold": thresholds,
    "Errors": errors,
    "Groups": groups,
    "Shortcuts": shortcuts,
    "Two models": compare,
    "Training": ablation.ablation,
    "Download": download,
}

require_entry()
st.header("Evaluate", anchor=False)
with show_errors():
    offered = offered_reports()
    if not offered:
        st.info("There is no report. `python -m covid_model evaluate` writes one.", icon=":material/info:")
        st.stop()
    with st.sidebar:
        name = linked_select("Report", titles(offered), "report", help="Of a model on a set of test images.")
        report = report_in(offered[name])
        classes = sorted(report.classes, key=lambda one: one != COVID)
        finding = linked_select(
            "Class", {key: key for key in classes}, "class", help="Curves and thresholds are of this class."
        )
    test = report.test
    st.caption(
        f"“{inert(report.content['title'])}” on {test['images']:,} test images of {test['patients']:,} patients, evaluated "
        f"{inert(report.content['date'][:10])}. All intervals are 95%, from 2,000 draws of patients."
    )
    views = {title: view for title, view in VIEWS.items() if view is not ablation.ablation or ablation.SHIPPED.is_file()}
    for tab, view in zip(st.tabs(list(views), key="part", bind="query-params"), views.values(), strict=True):
        if tab.open:
            with tab, show_errors():
                view(report, finding)
