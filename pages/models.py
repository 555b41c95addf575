"""Models: every model of the MODELS table side by side, what was claimed, and what is left of it under an honest split."""

from typing import Any

import streamlit as st

from covid_model.evaluation.subsets import SUBSETS
from covid_model.models.card import Card
from covid_model.models.specs import ModelSpec
from covid_model.models.user_models import available_models, folder_of, row_of
from covid_model.plots.models import ModelScores, gap_figure
from covid_model.training.recipes import RECIPES
from ui.links import explain_params
from ui.menu import require_entry
from ui.models.cards import card_of
from ui.models.import_form import import_form, removal
from ui.notices import show_errors

AUC = "auc/COVID-19"
FIELD = (
    "For comparison, as published: radiologists reading the first image against PCR, AUC 0.79 (Radiol Cardiothorac Imaging "
    "ryct.2020200337); CAD4COVID 0.81 (Murphy 2020); DeepCOVID-XR 0.90 (Wehbe 2021); models trained on mixed public "
    "sources, tested abroad, 0.48 to 0.78 (Risman 2021, Sukhija 2021)."
)


def interval(score: dict[str, Any] | None) -> str:
    """A score with its interval, in words where there is none."""
    if not score or score["value"] is None:
        return "not measured"
    if score["low"] is None:
        return f"{score['value']:.2f}"
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"


def own_scores(card: Card) -> dict[str, Any]:
    """What the recipe's own split gives, which is the manifest's validation split where the recipe has none."""
    own: dict[str, Any] = card.training.get("own_split") or card.scores.get("val", {})
    return own.get("scores", {})


def by_split(card: Card) -> dict[str, dict[str, Any] | None]:
    """AUC of COVID-19 under the recipe's own split and under ever more honest ones."""
    test = card.scores.get("test", {})
    parts = {
        subset.title: test.get("by_subset", {}).get(key, {}).get("scores", {}).get(AUC) for key, subset in SUBSETS.items()
    }
    return {"its own split": own_scores(card).get(AUC), "patients apart": test.get("scores", {}).get(AUC)} | parts


def table_row(row: ModelSpec, card: Card) -> dict[str, Any]:
    """One line of the overview."""
    own, test = own_scores(card), card.scores.get("test", {}).get("scores", {})
    speed = card.scores.get("milliseconds")
    return {
        "model": row.title,
        "input": f"{row.preprocessing.size[0]} x {row.preprocessing.size[1]}, {row.preprocessing.region}",
        "weights": f"{(folder_of(row.key) / row.weights_name).stat().st_size / 1e6:.1f} MB",
        "one image": f"{speed:.0f} ms" if speed else "not measured",
        "its author claimed": row.claimed or "",
        "accuracy, own split": interval(own.get("accuracy")),
        "balanced accuracy, patients apart": interval(test.get("balanced_accuracy")),
        "macro AUC, patients apart": interval(test.get("auc/macro")),
    } | {f"AUC, {title}": interval(score) for title, score in by_split(card).items()}


def why(row: ModelSpec, card: Card) -> str:
    """The reason for the gap, from what the card says about images and split."""
    images = [cells for cells in card.training.get("images", []) if cells["split"] == "train"]
    if not images:
        return "It was imported; what it was trained on is not known here."
    of = {label: {cells["source"] for cells in images if cells["label"] == label} for label in row.labels}
    covid = of.get("COVID-19", set())
    others = set().union(*(sources for label, sources in of.items() if label != "COVID-19"))
    said = []
    if covid and not covid & others:
        said.append(
            f"Its COVID-19 images come from {', '.join(sorted(covid))} and all others from {', '.join(sorted(others))}: "
            "telling the sources apart suffices."
        )
    if others == {"chest_xray"}:
        said.append("All its other images show children aged 1 to 5: telling age apart suffices.")
    if card.training.get("split") == "by image":
        said.append("Its own split parts images, not patients, so that a patient's second image is in both halves.")
    return " ".join(said) or "Patients are apart in its split; sources are still shared between training and test."


def recipe_of(card: Card) -> str:
    """How it was trained, from the card; empty where that is not known."""
    settings, images = card.training.get("settings"), card.training.get("images", [])
    if not settings:
        return ""
    trained = sum(cells["images"] for cells in images if cells["split"] == "train")
    optimiser = "AdamW" if settings.get("weight_decay") else "Adam"
    told = f"{trained:,} training images, {settings['epochs']} epochs, batch {settings['batch']}, {optimiser}"
    named = settings["augmentation"] if isinstance(settings["augmentation"], str) else "light"  # older cards: its ranges
    return f"{told} at {settings['learning_rate']:g}, augmentation “{named}”"


def details(row: ModelSpec, card: Card) -> None:
    """Recipe, what was not said, limits, and the reason for the gap."""
    st.markdown(f"**{row.title}**: {row.summary}")
    st.markdown(f"*Why the two scores differ.* {why(row, card)}")
    if row.key in RECIPES and (silent := card.training.get("silent")):
        st.caption("Where the description is silent: " + "; ".join(silent) + ".")
    if recipe := recipe_of(card):
        st.caption(f"Recipe: {recipe}.")
    st.caption(" ".join(row.limits))
    removal(row.key)
    params = explain_params(model=row.key)
    st.page_link("pages/explain.py", label="Explain an image with it", icon=":material/visibility:", query_params=params)


require_entry()
st.header("Models", anchor=False)
st.caption(
    "Every score is read from the model's card, as `train` and `evaluate` wrote it, with 95 % intervals by patient. The own "
    "split is what the recipe itself would report. The others are parts of the same test images, of patients no model of "
    "this project was trained on: all of them; those of adults; those of the one collection that holds images with and "
    "without COVID-19; and those of collections that the model has never seen, where these hold both."
)
with show_errors():
    cards = {key: card_of(key) for key in available_models()}
    scores = [ModelScores(card.title, by_split(card)) for card in cards.values()]
    st.plotly_chart(gap_figure(scores), key="gap", config={"displayModeBar": False}, alt="Own and honest scores by model")
    st.caption(FIELD)
    st.dataframe([table_row(row_of(key), card) for key, card in cards.items()], hide_index=True)
    with st.expander("Bring your own model", icon=":material/upload_file:"):
        import_form()
    for key, card in cards.items():
        with st.container(border=True):
            details(row_of(key), card)
