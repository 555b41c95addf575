"""What a model scored, beside what the field scores honestly, and its curves."""

from typing import Any, Final

import streamlit as st

from covid_model.evaluation.references import REFERENCES
from covid_model.evaluation.scores import calibration_error_by_chance
from covid_model.evaluation.stored import StoredReport
from covid_model.evaluation.subsets import SUBSETS
from covid_model.plots.evaluation import (
    ForestRow,
    abstention_figure,
    forest_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
)
from ui.evaluate.reports import PLAIN, estimate
from ui.inert import inert, inert_figure

COVID: Final = "COVID-19"
OURS: Final = "this model"
FIELD: Final = "published, honest tests"


def headline(report: StoredReport, name: str) -> None:
    """The scores that matter, each with its interval. name: the class that is looked for."""
    test, places = report.test, st.columns(4)
    shown = {
        f"AUC, {name}": (
            f"auc/{name}",
            ".2f",
            "How well it ranks images with the class above those without; 0.5 is chance.",
        ),
        "Balanced accuracy": ("balanced_accuracy", ".0%", "Mean share of right answers over the classes."),
        f"Sensitivity, {name}": (
            f"sensitivity/{name}",
            ".0%",
            "Share of images with the class that are found, at the threshold of 95% specificity on the validation images.",
        ),
        "Calibration error": ("ece", ".3f", "Mean gap between promised and measured share of right answers; 0 is best."),
    }
    for place, (title, (key, style, meaning)) in zip(places, shown.items(), strict=True):
        found = estimate(test["scores"].get(key))
        with place:
            value = "not defined" if found.value is None else f"{found.value:{style}}"
            st.metric(inert(title), value, help=meaning, border=True)
            if found.low is not None and found.high is not None:
                where = ", at 95% specificity" if key.startswith("sensitivity") else ""
                st.caption(f"95% interval {found.low:{style}} to {found.high:{style}}{where}")


def reference_rows(report: StoredReport) -> list[ForestRow]:
    """The model's AUC of COVID-19 on all test images and on stricter parts of them, then the field's."""
    parts: dict[str, dict[str, Any]] = {"all test images": report.test}
    parts |= {SUBSETS[key].title: part for key, part in report.test["by_subset"].items() if key in SUBSETS}
    rows = []
    for title, part in parts.items():
        found = estimate(part["scores"].get(f"auc/{COVID}"))
        note = f"{title}, {part['images']:,} images of {part['patients']:,} patients"
        short = title.partition(":")[0]  # the whole leaves a phone no room for the chart
        rows.append(ForestRow(f"{short} (n = {_both(report, part)})", found.value, found.low, found.high, OURS, note))
    field = sorted(REFERENCES, key=lambda row: -row.auc)
    return rows + [ForestRow(row.title, row.auc, row.low, row.high, FIELD, f"{row.test}; {row.source}") for row in field]


def _both(report: StoredReport, part: dict[str, Any]) -> str:
    """How many images of a part have COVID-19, and how many have not: few of either make an AUC uncertain."""
    having = sum(part["confusion"][report.classes.index(COVID)])
    return f"{having:,} + {part['images'] - having:,}"


def overview(report: StoredReport, name: str) -> None:
    """Headline, references, and the curves of one class."""
    headline(report, name)
    if COVID in report.classes:
        st.subheader("This model beside published ones", anchor=False)
        figure = forest_figure(reference_rows(report), f"AUC of {COVID} (0.5 is chance)", 0.5)
        st.plotly_chart(inert_figure(figure), key="field", config=PLAIN, alt="AUC of this model and of published models")
        st.caption(
            f"n: images with {COVID} + images without. The published tests are of images from elsewhere, or of consecutive "
            "patients of one hospital. Scores on public collections mixed from several sources are higher because "
            "recognising the source is often enough; compare the line “sources apart”. Sources: "
            + "; ".join(dict.fromkeys(row.source for row in REFERENCES))
            + "."
        )
    st.subheader(f"Curves of {inert(name)}", anchor=False)
    curves, points = report.content["curves"][name], _points(report, name)
    left, middle, right = st.columns(3, gap="medium")
    with left:
        st.markdown("**ROC**")
        if "roc" in curves:
            figure = roc_figure({report.content["title"]: curves}, points)
            st.plotly_chart(inert_figure(figure), key="roc", config=PLAIN, alt=f"ROC curve of {name}")
    with middle:
        st.markdown("**Precision and recall**")
        if "roc" in curves:
            figure = precision_recall_figure({report.content["title"]: curves})
            st.plotly_chart(inert_figure(figure), key="pr", config=PLAIN, alt=f"Precision-recall curve of {name}")
    with right:
        st.markdown("**Reliability, all classes**")
        st.plotly_chart(
            inert_figure(reliability_figure(report.content["reliability"])), key="reliability", config=PLAIN,
            alt="Promised and measured share of right answers",
        )  # fmt: skip
    st.caption(_calibration(report))
    with st.expander(
        "What if it may say “I cannot tell”?", icon=":material/help:", on_change="rerun", key="abstain"
    ) as place:
        if place.open:
            figure = abstention_figure(report.content["abstention"])
            st.plotly_chart(inert_figure(figure), key="abstention", config=PLAIN, alt="Accuracy by share of images answered")
            st.caption("The images with the highest predictive entropy are left unanswered first.")


def _calibration(report: StoredReport) -> str:
    """The calibration error before and after temperature scaling, and what that says."""
    scores = report.test["scores"]
    after, before = estimate(scores["ece"]), estimate(scores.get("ece/before temperature"))
    worse = ""
    if after.value is not None and before.value is not None and after.value > before.value:
        clearly = after.low is not None and before.high is not None and after.low > before.high
        what = "made the error larger" if clearly else "did not help"
        worse = f" The temperature, which was fitted on validation images, {what} on these."
    bins = report.content["reliability"]
    low, high = calibration_error_by_chance(bins["images"], bins["confidence"])
    return (
        f"Reliability: {len(bins['value'])} bins of equally many images. Expected calibration error {after.text('.3f')}, "
        f"before temperature scaling {before.text('.3f')}.{worse} On so many images a perfectly calibrated model as sure "
        f"as this one measures {low:.3f} to {high:.3f}, by chance alone."
    )


def _points(report: StoredReport, name: str) -> list[tuple[str, float, float]]:
    """The operating points chosen on validation images, where they are on the test ROC."""
    found = report.content["operating_points"].get(name)
    if not found:
        return []
    pairs = zip(
        found["thresholds"], found["test"]["sensitivity"]["value"], found["test"]["specificity"]["value"], strict=True
    )
    return [
        (key.replace("_0.95", " 95%"), 1 - specificity, sensitivity)
        for key, sensitivity, specificity in pairs
        if sensitivity is not None and specificity is not None
    ]
