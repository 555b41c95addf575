"""The models whose weights are at hand."""

import streamlit as st

from covid_model.zoo.card import WEIGHTS, Card, read_card
from covid_model.zoo.models import MODELS


def shipped_models() -> dict[str, str]:
    """Key -> title of every model with weights and card, in the table's order."""
    return {
        row.key: row.title
        for row in MODELS.values()
        if (WEIGHTS / row.weights_name).is_file() and (WEIGHTS / row.card_name).is_file()
    }


@st.cache_data(max_entries=32, ttl="10m", show_spinner=False)
def card_of(key: str) -> Card:
    """A model's card, without loading the model."""
    return read_card(WEIGHTS / MODELS[key].card_name)
