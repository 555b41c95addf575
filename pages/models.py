"""Models: every model of the MODELS table side by side, what was claimed, and what is left of it under an honest split."""

import streamlit as st

from covid_model.evaluation.card_summary import auc_by_split, gap_reason, overview_row, recipe_text
from covid_model.models.card import Card
from covid_model.models.specs import MODELS, ModelSpec
from covid_model.models.user_models import available_models, row_of
from covid_model.plots.models import ModelScores, gap_figure
from ui.links import explain_params
from ui.menu import require_entry
from ui.models.cards import card_of
from ui.models.import_form import import_form, removal
from ui.notices import show_errors

FIELD = (
    "For comparison, as published: radiologists reading the first image against PCR, AUC 0.79 (Radiol Cardiothorac Imaging "
    "ryct.2020200337); CAD4COVID 0.81 (Murphy 2020); DeepCOVID-XR 0.90 (Wehbe 2021); models trained on mixed public "
    "sources, tested abroad, 0.48 to 0.78 (Risman 2021, Sukhija 2021)."
)


def details(row: ModelSpec, card: Card) -> None:
    """Recipe, what was not said, limits, and the reason for the gap."""
    st.markdown(f"**{row.title}**: {row.summary}")
    st.markdown(f"*Why the two scores differ.* {gap_reason(row, card)}")
    if row.key in MODELS and (silent := card.training.get("silent")):
        st.caption("Where the description is silent: " + "; ".join(silent) + ".")
    if recipe := recipe_text(card):
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
    scores = [ModelScores(card.title, auc_by_split(card)) for card in cards.values()]
    st.plotly_chart(gap_figure(scores), key="gap", config={"displayModeBar": False}, alt="Own and honest scores by model")
    st.caption(FIELD)
    st.dataframe([overview_row(row_of(key), card) for key, card in cards.items()], hide_index=True)
    with st.expander("Bring your own model", icon=":material/upload_file:"):
        import_form()
    for key, card in cards.items():
        with st.container(border=True):
            details(row_of(key), card)
