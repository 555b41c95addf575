"""Cards of available models, read without loading the models."""

from datetime import timedelta

import streamlit as st

from covid_model.models.card import Card, read_card
from covid_model.models.user_models import folder_of, row_of


@st.cache_resource(max_entries=32, ttl=timedelta(minutes=10), show_spinner=False)
def card_of(key: str) -> Card:
    """A model's card, shared by all sessions. After a change of models call `card_of.clear()`."""
    return read_card(folder_of(key) / row_of(key).card_name)
