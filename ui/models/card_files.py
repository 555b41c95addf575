"""The model card and reporting checklist of a model as files."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from covid_model.evaluation.stored import StoredReport
from covid_model.models.card import Card
from covid_model.share.known import known_of
from covid_model.share.model_card import Section, html_card, markdown_card, sections
from ui.models.cards import card_of


def card_files(key: str, report: StoredReport | None = None) -> None:
    """Two downloads, made when they are asked for. report: by default the one of the model's weights."""
    card = card_of(key)
    kinds = {"HTML": (html_card, "html", "text/html"), "Markdown": (markdown_card, "md", "text/markdown")}
    with st.container(horizontal=True):
        for kind, (make, ending, mime) in kinds.items():
            st.download_button(
                f"Model card and checklist ({kind})",
                partial(_text, make, card, report),
                f"{key}.card.{ending}",
                mime,
                key=f"card_{ending}_{key}",
                icon=":material/description:",
                on_click="ignore",
            )


def _text(make: Callable[[str, tuple[Section, ...]], str], card: Card, report: StoredReport | None) -> str:
    return make(card.title, sections(known_of(card, report)))
