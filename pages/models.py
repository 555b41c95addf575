"""Models: every model of the zoo side by side, what was claimed, and what is left of it under an honest split."""

from typing import Any

import streamlit as st

from covid_model.plots.models import ModelScores, gap_figure
from covid_model.training.recipes import RECIPES
from covid_model.zoo.card import WEIGHTS, Card
from covid_model.zoo.models import MODELS, ModelRow
from ui.menu import require_entry
from ui.notices import one_sentence
from ui.shipped import card_of, shipped_models

AUC = "auc/COVID-19"


def interval(score: dict[str, Any] | None) -> str:
    """A score with its interval, in words where there is none."""
    if not score or score["value"] is None:
        return "not measured"
    if score["low"] is None:
        return f"{score['value']:.2f}"
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"


def own_scores(card: Card) -> dict[str, Any]:
    """What the recipe's own split gives, empty where it was not measured."""
    found: dict[str, Any] = card.training.get("own_split", {}).get("scores", {})
    return found


def table_row(row: ModelRow, card: Card) -> dict[str, Any]:
    """One line of the overview."""
    own, test = own_scores(card), card.scores.get("test", {}).get("scores", {})
    inside = card.scores.get("test", {}).get("by_source", {}).get("covid-chestxray-dataset", {}).get("scores", {})
    return {
        "model": row.title,
        "input": f"{row.preprocessing.size[0]} x {row.preprocessing.size[1]}, {row.preprocessing.region}",
        "weights": f"{(WEIGHTS / row.weights_name).stat().st_size / 1e6:.1f} MB",
        "its author claimed": row.claimed or "",
        "accuracy, own split": interval(own.get("accuracy")),
        "AUC, own split": interval(own.get(AUC)),
        "AUC, honest split": interval(test.get(AUC)),
        "balanced accuracy, honest split": interval(test.get("balanced_accuracy")),
        "AUC inside covid-chestxray-dataset": interval(inside.get(AUC)),
    }


def why(row: ModelRow, card: Card) -> str:
    """The reason for the gap, from what the card says about films and split."""
    films = [cells for cells in card.training["films"] if cells["split"] == "train"]
    of = {label: {cells["source"] for cells in films if cells["label"] == label} for label in row.labels}
    covid = of.get("COVID-19", set())
    others = set().union(*(sources for label, sources in of.items() if label != "COVID-19"))
    said = []
    if covid and not covid & others:
        said.append(
            f"Its COVID-19 films come from {', '.join(sorted(covid))} and all others from {', '.join(sorted(others))}: "
            "telling the sources apart suffices."
        )
    if others == {"chest_xray"}:
        said.append("All its other films show children aged 1 to 5: telling age apart suffices.")
    if card.training.get("split") == "by film":
        said.append("Its own split parts films, not patients, so that a patient's second film is in both halves.")
    return " ".join(said) or "Patients are apart in its split; sources are still shared between training and test."


def details(row: ModelRow, card: Card) -> None:
    """Recipe, what was not said, limits, and the reason for the gap."""
    st.markdown(f"**{row.title}**: {row.summary}")
    st.markdown(f"*Why the two scores differ.* {why(row, card)}")
    if row.key in RECIPES and (silent := card.training.get("silent")):
        st.caption("Where the description is silent: " + "; ".join(silent) + ".")
    st.caption(" ".join(row.limits))
    st.page_link(
        "pages/explain.py", label="Explain a film with it", icon=":material/visibility:", query_params={"model": row.key}
    )


require_entry()
st.header("Models", anchor=False)
st.caption(
    "Every score is read from the model's card, as `train` and `evaluate` wrote it, with 95 % intervals by patient. The own "
    "split is what the recipe itself would report; the honest split keeps patients apart and holds films of every source."
)
with one_sentence():
    shipped = {row.key: card_of(row.key) for row in MODELS.values() if row.key in shipped_models()}
    scores = [
        ModelScores(MODELS[key].title, own_scores(card).get(AUC), card.scores.get("test", {}).get("scores", {}).get(AUC))
        for key, card in shipped.items()
    ]
    st.plotly_chart(gap_figure(scores), key="gap", config={"displayModeBar": False}, alt="Own and honest scores by model")
    st.dataframe([table_row(MODELS[key], card) for key, card in shipped.items()], hide_index=True)
    for key, card in shipped.items():
        with st.container(border=True):
            details(MODELS[key], card)
