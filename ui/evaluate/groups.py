"""Scores by source, view, sex and age; the worst slices; coverage of conformal sets by source."""

from typing import Any, Final

import streamlit as st

from covid_model.evaluation.conformal import coverage_by_chance
from covid_model.evaluation.groups import GROUPINGS, LEAST
from covid_model.evaluation.stored import StoredReport
from covid_model.evaluation.subsets import SUBSETS
from covid_model.plots.evaluation import ForestRow, forest_figure
from ui.evaluate.reports import PLAIN, estimate, show_report_images
from ui.inert import inert, inert_figure

MEASURES: Final = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accuracy": "Accuracy, all classes",
    "ece": "Calibration error, all classes",
}
NOTABLE: Final = 0.05


def groups(report: StoredReport, name: str) -> None:
    """Forest plot by group, then slices and coverage."""
    measure = st.segmented_control("Score", list(MEASURES), default="auc", key="measure", format_func=MEASURES.__getitem__)
    measure = measure or "auc"
    key = f"{measure}/{name}" if measure in ("auc", "sensitivity", "specificity") else measure
    rows, hidden = group_rows(report, key)
    figure = forest_figure(rows, MEASURES[measure], 0.5 if measure == "auc" else None)
    st.plotly_chart(inert_figure(figure), key="forest", config=PLAIN, alt=f"{MEASURES[measure]} by group")
    if hidden:
        st.caption(f"Fewer than {LEAST} images or one class only, so not shown: {inert(', '.join(hidden))}.")
    slices(report)
    coverage(report)


def group_rows(report: StoredReport, key: str) -> tuple[list[ForestRow], list[str]]:
    """A score of all test images, of every group and of every stricter part; and the groups that have none."""
    test = report.test
    parts: list[tuple[str, str, dict[str, Any]]] = [("All test images", "all images", test)]
    for grouping in GROUPINGS.values():
        parts += [(grouping.title, name, part) for name, part in test.get(f"by_{grouping.key}", {}).items()]
    known = {name: part for name, part in test["by_subset"].items() if name in SUBSETS}
    # the whole title leaves a phone no room for the chart
    parts += [("Stricter", SUBSETS[name].title.partition(":")[0], part) for name, part in known.items()]
    rows, hidden = [], []
    for group, title, part in parts:
        found, size = estimate(part["scores"].get(key)), f"n = {part['images']:,}"
        if found.value is None:
            hidden.append(f"{title} ({size})")
        else:
            label = f"{group}: {title} ({size})"
            rows.append(ForestRow(label, found.value, found.low, found.high, group, f"{part['patients']:,} patients"))
    return rows, hidden


def slices(report: StoredReport) -> None:
    """The slices on which the model errs most, and the wrong images of one."""
    worst = report.content["worst"]
    st.subheader("Where it errs most", anchor=False)
    st.caption(
        f"{worst['searched']} slices by source, view, sex, age, label and cluster of the model's own features, alone and in "
        f"pairs, were compared with the error rate of all test images, {worst['error']:.0%}. p is corrected for this "
        "search: how often the worst of all slices would look as bad by chance."
    )
    named = {place: _conditions(row) for place, row in enumerate(worst["slices"])}
    if not named:
        st.info("No slice is worse than the rest.", icon=":material/check:")
        return
    table = [
        {
            "slice": named[place],
            "images": row["images"],
            "patients": row["patients"],
            "wrong": estimate(row["error"]).text(".0%"),
            "p": f"{row['p']:.3f}" + (" *" if row["p"] < NOTABLE else ""),
        }
        for place, row in enumerate(worst["slices"])
    ]
    st.dataframe(table, hide_index=True)
    if not any(row["p"] < NOTABLE for row in worst["slices"]):
        st.caption(f"None is below {NOTABLE}: a search over so many slices finds slices like these by chance.")
    place = st.selectbox("Wrong images of", list(named), format_func=named.__getitem__, key="slice", index=None)
    if place is not None:
        examples = worst["slices"][place]["examples"]
        rows = report.predictions
        show_report_images("slice", report, rows[(rows["split"] == "test") & rows["digest"].isin(examples)])


def _conditions(row: dict[str, Any]) -> str:
    return ", ".join(f"{column} {value}" for column, value in row["conditions"].items())


def coverage(report: StoredReport) -> None:
    """How often the conformal set holds the true class, in all, by class and by source."""
    st.subheader("Prediction sets", anchor=False)
    conformal = report.content["conformal"]
    if not conformal:
        st.info(
            "The report has no prediction sets, because its manifest holds no validation images.", icon=":material/info:"
        )
        return
    level = f"{conformal['level']:.0%}"
    kinds = {"marginal": "For all images together", "by_class": "For each class"}
    kind = st.segmented_control("Promise", list(kinds), default="marginal", key="promise", format_func=kinds.__getitem__)
    part = conformal[kind or "marginal"]
    rows = []
    parts = {"": {"all images": part["coverage"]}, "true class": part["by_class"], "source": part["by_source"]}
    for group, shown in parts.items():
        for name, score in shown.items():
            found, note = estimate(score), f"{score['patients']:,} patients"
            title = f"{group} {name} (n = {score['images']:,})".strip()
            rows.append(ForestRow(title, found.value, found.low, found.high, group or "all images", note))
    figure = forest_figure(rows, f"share of sets that hold the true class ({level} is promised)", conformal["level"])
    st.plotly_chart(inert_figure(figure), key="coverage", config=PLAIN, alt="Coverage of prediction sets")
    chance = ""
    if kind != "by_class":
        low, high = coverage_by_chance(conformal["calibrated_on"], part["coverage"]["images"], conformal["level"])
        chance = f" By chance alone, exact sets cover {low:.0%} to {high:.0%} of as many images as here."
    broken = [row.title for row in rows if row.high is not None and row.high < conformal["level"]]
    st.caption(
        f"Instead of one class the model names a set that holds the true one in {level} of images, calibrated on "
        f"{conformal['calibrated_on']:,} validation images.{chance} A set names {part['size']['value']:.1f} classes on "
        f"average and a single one on {part['single']['value']:.0%} of images. The promise holds for images like those; "
        + (f"**it is broken on: {inert('; '.join(broken))}**." if broken else "on no group here is it broken for certain.")
    )
