"""The shortcut audit: what can be told without lungs, or without an image."""

from typing import Any, Final

import streamlit as st

from covid_model.audit.shortcut_features import SILHOUETTE
from covid_model.evaluation.stored import StoredReport
from covid_model.plots.evaluation import ForestRow, forest_figure
from covid_model.plots.shortcuts import between_figure, lettered, shortcut_figure
from ui.evaluate.reports import PLAIN, estimate, label_alone
from ui.inert import inert, inert_figure

AGAINST: Final = (
    " A model that sees only the lungs, and whose card names a third term of the loss, was trained against telling plain "
    "silhouettes apart; for it the silhouette is no independent finding."
)


def shortcuts(report: StoredReport, _: str) -> None:
    """One sentence, the matrix, what needs no network, and sources left out."""
    audit = report.shortcuts
    if audit is None:
        st.info(
            "This report has no shortcut audit. `python -m covid_model audit --shortcuts DIR` with its folder makes one.",
            icon=":material/info:",
        )
        return
    finding, matrix = inert(audit["finding"]), audit["matrix"]
    st.subheader(verdict(audit), anchor=False)
    st.caption(
        f"Small classifiers were fitted on this model's features of {audit['images']['train']:,} training images, altered "
        f"as on the left, to tell {finding} from the rest, and tested on {audit['images']['test']:,} test images, altered "
        "as on top. Numbers are AUC; 0.5 is chance. What scores high without lungs is a shortcut that a model can take too."
        f"{AGAINST if audit['without_lungs'] == SILHOUETTE else ''}"
    )
    st.plotly_chart(
        inert_figure(shortcut_figure(matrix)), key="shortcut_matrix", config=PLAIN, alt="AUC by fitted and tested alteration"
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{finding} told from**")
        parts = {name: matrix[name][name] for name in matrix} | audit["without_network"]
        _forest(parts, "AUC", 0.5, "shortcut_parts")
    with right:
        st.markdown("**Source of the image told from**")
        parts = audit["source"] | {"the label alone": label_alone(report)}
        _forest(parts, "balanced accuracy", 1 / max(2, len(report.test["by_source"])), "shortcut_source")
    label = estimate(parts["the label alone"])
    if label.value is not None:
        st.caption(
            f"Each collection has its own mix of labels: whoever knows the label alone names the source with "
            f"{label.text('.2f')}, on all {report.test['images']:,} test images. Only what lies above that is more than the "
            "label. The Explain page's source classifier is fitted on all training images and tested on all of these, so "
            "its number may differ a little from that of the whole image here."
        )
    flips = estimate(audit["marker_flips"])
    unseen = (
        " The model is shown the lungs alone, so it hardly ever sees that corner."
        if audit["without_lungs"] == SILHOUETTE
        else ""
    )
    changed = (
        f"An “R” pasted into the upper left corner changes the model's prediction on {flips.text('.1%')} of test images."
    )
    st.caption(f"{changed}{unseen}")
    st.markdown("**View, sex and age band told from the features of whole images**")
    _forest(audit["told"], "balanced accuracy", None, "shortcut_told")
    st.caption(
        "Fitted on training images of all classes, tested on other patients. The Explain page measures the same within each "
        "class, so that a class cannot stand in for what is told; its numbers differ."
    )
    _sources(audit)
    _leakage(audit["leakage"])


def _sources(audit: dict[str, Any]) -> None:
    """What one source teaches about another, and what that means for images from elsewhere."""
    matrix, elsewhere = audit["between_sources"], audit["elsewhere"]
    st.markdown("**From one source to another**")
    st.plotly_chart(
        inert_figure(between_figure(matrix)), key="between_sources", config=PLAIN, alt="AUC by fitted and tested sources"
    )
    st.caption("; ".join(f"**{letter}** {inert(name)}" for letter, name in lettered(matrix).items()) + ".")
    measured = elsewhere["measured"]
    found = (
        f"On one source that was not fitted on, AUC is {measured['low']:.2f} to {measured['high']:.2f} "
        f"(cells: {measured['cells']}). Cells tested on two sources of one label each are no evidence: telling the source "
        "is enough for them."
        if measured["cells"]
        else "No cell tests one source that was not fitted on."
    )
    here, shuffled, left = (estimate(elsewhere[key]).text(".2f") for key in ("here", "shuffled", "estimate"))
    st.caption(
        f"{found} An estimate that needs no other source is {left}: AUC of whole images, {here}, less what shuffled patches "
        f"tell above chance, {shuffled} (in the manner of Ong Ly 2024). "
        "It is too low where texture is disease, and too high where a shortcut is a shape."
    )
    with st.expander("All cells as a table, and why some are empty", on_change="rerun", key="source_cells") as place:
        if place.open:
            st.dataframe([_cell(one, other, matrix[one][other]) for one in matrix for other in matrix[one]], hide_index=True)
    if audit["leave_one_out"]:
        st.markdown("**Fitted without one source, tested on it**")
        st.dataframe([_row(name, cells) for name, cells in audit["leave_one_out"].items()], hide_index=True)


def _cell(fitted: str, tested: str, cell: dict[str, Any]) -> dict[str, str]:
    found = cell["why"] if cell["value"] is None else estimate(cell).text(".2f")
    return {"fitted on": fitted, "tested on": tested, "AUC, or why there is none": found}


def _leakage(found: dict[str, int]) -> None:
    if found["patients"] or found["near_duplicates"]:
        st.warning(
            f"Leakage: of {found['images']:,} images, {found['patients']:,} patients and {found['near_duplicates']:,} pairs "
            "of near-duplicates are in two splits, so the scores are too high.",
            icon=":material/warning:",
        )
    else:
        st.caption(f"Leakage: no patient and no pair of near-duplicates is in two splits of the {found['images']:,} images.")


def verdict(audit: dict[str, Any]) -> str:
    """What the audit says, in one sentence."""
    matrix, ratio = audit["matrix"], audit["shortcut_ratio"]
    without = audit["without_lungs"]
    whole, removed = (estimate(matrix[name][name]) for name in ("whole image", without))
    if ratio is None or whole.value is None or removed.value is None:
        return "Whole images say nothing, so there is no shortcut to measure"
    share = f"{max(0.0, ratio):.0%} of what is above chance needs nothing in the lungs"
    return f"AUC {whole.value:.2f} from the whole image, {removed.value:.2f} from “{inert(without)}”: {share}"


def _forest(parts: dict[str, dict[str, Any]], axis: str, line: float | None, key: str) -> None:
    found = {name: estimate(score) for name, score in parts.items()}
    rows = [ForestRow(name, one.value, one.low, one.high, axis) for name, one in found.items()]
    st.plotly_chart(inert_figure(forest_figure(rows, axis, line)), key=key, config=PLAIN, alt=f"{axis} by alteration")


def _row(name: str, cells: dict[str, dict[str, Any]]) -> dict[str, str]:
    with_it, without = estimate(cells["called_with"]), estimate(cells["called_without"])
    return {
        "source left out": name,
        "AUC": estimate(cells["auc"]).text(".2f"),
        "called, with the finding": with_it.text(".0%"),
        "called, without it": without.text(".0%"),
    }
