"""What each step towards the default model changed: its scores on images that its trainings had not seen."""

import json
from typing import Any, Final

import streamlit as st

from covid_model.audit.referee_results import TITLES
from covid_model.evaluation.stored import StoredReport
from covid_model.models.card import read_card
from covid_model.models.specs import DEFAULT_MODEL, MODELS
from covid_model.plots.evaluation import ForestRow, forest_figure
from covid_model.settings import ASSETS, WEIGHTS
from covid_model.training.ablation import ships
from ui.evaluate.reports import PLAIN, estimate
from ui.inert import inert, inert_figure

SHIPPED: Final = ASSETS / "ablation.json"
"""The steps to the default model, as the command `ablation` writes them; without them the page leaves this part out."""


def ablation(_: StoredReport, __: str) -> None:
    """One score at a time as a picture, and every score and change as a table."""
    steps = json.loads(SHIPPED.read_text("utf-8"))["steps"]
    settings = read_card(WEIGHTS / MODELS[DEFAULT_MODEL].card_name).training["settings"]
    for step, its_own in zip(steps, ships(steps, settings), strict=True):
        step["title"] += " (ships)" if its_own else ""
    names = list(dict.fromkeys(name for step in steps for name in step["scores"]))
    names.sort(key=lambda name: not name.endswith("/auc_inside"))  # first what no knowledge of the collection helps with
    st.subheader("What helped, and what did not", anchor=False)
    st.caption(
        "Most steps are first looks: one training without a whole collection. A few were cross-validated by patient as "
        "well, and have more scores. Every score is of images that the training had not seen, and none of the test split. "
        "A change is from the first step, on the same images and the same draws of patients; if its interval contains 0, "
        "the step may have changed nothing."
    )
    name = st.selectbox("Score", names, format_func=title_of, key="ablation_score")
    st.plotly_chart(
        inert_figure(forest_figure([_row(step, name) for step in steps], title_of(name))),
        key="ablation_steps", config=PLAIN, alt=f"{title_of(name)} by step",
    )  # fmt: skip
    st.dataframe([_cells(step, name, step is steps[0]) for step in steps], hide_index=True)
    with st.expander("All scores as a table", on_change="rerun", key="ablation_all") as place:
        if place.open:
            rows = [{"score": title_of(key)} | _cells(step, key, step is steps[0]) for key in names for step in steps]
            st.dataframe(rows, hide_index=True)


def title_of(name: str) -> str:
    """A score of a cross-validation in words."""
    first, _, last = name.partition("/")
    if first.startswith("without "):
        source = first.removeprefix("without ")
        score, _, referee = last.partition("/")
        if score == "hit":
            return f"Pointing game on {source}, {TITLES[referee]}, by trainings without it"
        return {
            "auc_inside": f"AUC inside {source}, by trainings without it",
            "auc": f"AUC of {source} against other adults, by trainings without it",
            "sensitivity": f"Sensitivity on {source} at 95% specificity, by trainings without it",
        }[last]
    if first == "auc":
        return "AUC among adults of all collections" if last == "adults" else f"AUC inside {last}"
    if first == "hit":
        return f"Pointing game, {TITLES[last]}"
    return {
        "balanced_accuracy": "Balanced accuracy",
        "named": "Source named from the features, balanced accuracy (lower is better)",
    }[first]


def _row(step: dict[str, Any], name: str) -> ForestRow:
    found = estimate(step["scores"].get(name))
    return ForestRow(inert(step["title"]), found.value, found.low, found.high, "steps")


def _cells(step: dict[str, Any], name: str, first: bool) -> dict[str, str]:
    """One score of a step. first: is it the first step? Its settings differ from none before."""
    score, change = estimate(step["scores"].get(name)), estimate(step["change"].get(name))
    return {
        "step": step["title"],
        "value": score.text(".3f"),
        "change": "" if change.value is None else change.text("+.3f"),
        "settings": "" if first else ", ".join(f"{key} {value}" for key, value in step["settings"].items()),
        "date": step["date"][:10],
        "data": step["data_hash"][:12],
    }
