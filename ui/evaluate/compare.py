"""Two models on the same test images, with their paired difference."""

from pathlib import Path
from typing import Any, Final

import streamlit as st

from covid_model.audit.referee_results import TITLES, pointing_of, referee_results
from covid_model.audit.shortcut_features import REMOVED, SILHOUETTE
from covid_model.evaluation.compare import paired_difference
from covid_model.evaluation.stored import StoredReport
from covid_model.evaluation.titles import score_title
from covid_model.models.calibration import CARD_POINT
from covid_model.plots.evaluation import roc_figure
from ui.evaluate.reports import PLAIN, estimate, label_alone, offered_reports, report_in, titles
from ui.evaluate.shortcuts import AGAINST
from ui.inert import inert, inert_figure
from ui.links import linked_select

DRAWS: Final = 2000
LEAST: Final = 20
COMPARED: Final = ("auc", "auprc", "accuracy", "balanced_accuracy", "ece")


@st.cache_data(max_entries=16, show_spinner="Comparing on the same images …")
def _difference(first: str, second: str, dates: tuple[str, str]) -> tuple[int, dict[str, Any]]:
    reports = report_in(Path(first)), report_in(Path(second))
    tables = [report.predictions[report.predictions["split"] == "test"].drop_duplicates("digest") for report in reports]
    shared = tables[0][["digest"]].merge(tables[1][["digest"]])["digest"]
    rows = [table.set_index("digest").loc[shared].reset_index() for table in tables]
    if len(shared) < LEAST:
        return len(shared), {}
    cases = [report.cases(part) for report, part in zip(reports, rows, strict=True)]
    points = [one.thresholds(report.thresholds_by_class, CARD_POINT) for one, report in zip(cases, reports, strict=True)]
    return len(shared), paired_difference(cases[0], cases[1], (points[0], points[1]), DRAWS)


def compare(report: StoredReport, name: str) -> None:
    """Choose another report; its curves and the difference on the images that both have."""
    others = {key: folder for key, folder in offered_reports().items() if folder != report.folder}
    if not others:
        st.info("There is one report only. `python -m covid_model evaluate` makes another.", icon=":material/info:")
        return
    second = report_in(others[linked_select("Compare with", titles(others), "with")])
    names = [report.content["title"], second.content["title"]]
    dates = (report.content["date"], second.content["date"])
    images, table = _difference(str(report.folder), str(second.folder), dates)
    if not table:
        st.info(f"The two reports share {images} test images; a comparison needs {LEAST}.", icon=":material/info:")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        lines = {one.content["title"]: one.content["curves"].get(name, {}) for one in (report, second)}
        lines = {title: curves for title, curves in lines.items() if "roc" in curves}
        st.plotly_chart(
            inert_figure(roc_figure(lines)), key="two_roc", config=PLAIN, alt=f"ROC curves of {name}, two models"
        )
    with right:
        st.markdown(f"**{inert(names[0])}** against **{inert(names[1])}** on the {images:,} test images that both have")
        st.dataframe(_rows(table), hide_index=True)
        st.caption(
            f"Differences are first minus second, over the same {DRAWS:,} draws of patients; “clear” where the 95% interval "
            "leaves out 0. Accuracy counts each model's own classes."
        )
    _grounds((report, second))


def _grounds(reports: tuple[StoredReport, StoredReport]) -> None:
    """Where two models look beside what they could use instead; nothing unless both were audited for shortcuts."""
    audited = [(report, audit) for report in reports if (audit := report.shortcuts)]
    if len(audited) < len(reports):
        return
    st.markdown("**Where they look, and what they could use instead**")
    grounds = {report.content["title"]: _ground(report, audit) for report, audit in audited}
    measures = dict.fromkeys(measure for cells in grounds.values() for measure in cells)
    rows = [
        {"measure": one} | {title: cells.get(one, "not measured") for title, cells in grounds.items()} for one in measures
    ]
    st.dataframe(rows, hide_index=True)
    label = estimate(label_alone(reports[0]))
    by_label = "" if label.value is None else f"; the label alone gives {label.text('.2f')}"
    st.caption(
        "“On”: how often the highest value of Grad-CAM is on what radiologists marked, on test images. “Told from”: AUC of "
        "a classifier of the model's features of images without lungs, 0.5 is chance; where the lungs are removed, a model "
        f"that sees only lungs sees black.{AGAINST} “Source told”: balanced accuracy from features of whole "
        f"images{by_label}. A model can look at the right place and still tell the label from something else."
    )


def _ground(report: StoredReport, audit: dict[str, Any]) -> dict[str, str]:
    """Measure -> one model's value with its interval."""
    pointing = pointing_of(report.content["model"], report.content["weights_sha256"], referee_results())
    return {
        **{f"on {TITLES[name]} (n = {score['images']})": estimate(score).text(".2f") for name, score in pointing.items()},
        **{
            f"{audit['finding']} told from “{part}”": estimate(audit["matrix"][part][part]).text(".2f")
            for part in (SILHOUETTE, REMOVED)
            if part in audit["matrix"]
        },
        "source told": estimate(audit["source"]["whole image"]).text(".2f"),
    }


def _rows(table: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    rows = []
    for key, parts in table.items():
        measure, _, name = key.partition("/")
        if measure not in COMPARED or name == "macro" or parts["difference"]["value"] is None:
            continue
        difference = parts["difference"]
        clear = difference["low"] is not None and (difference["low"] > 0 or difference["high"] < 0)
        shown = {part: f"{parts[part]['value']:.3f}" for part in ("first", "second")}
        rows.append(
            {
                "score": score_title(key),
                **shown,
                "difference": estimate(difference).text("+.3f"),
                "": "clear" if clear else "",
            }
        )
    return rows
