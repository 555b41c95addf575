"""Limit the grid to images chosen on the map or in a list of the quality checks, until the user shows all again."""

from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from covid_model.data.filters import Query

CHOSEN_IMAGES: Final = "dataset_narrowed"
VIEW: Final = "view"
"""Key of the page's tabs."""
GRID: Final = "Browse"


@dataclass(frozen=True)
class Narrowing:
    """Where the images were chosen, and their digests. title: of this project, as Markdown."""

    title: str
    digests: tuple[str, ...]


def _narrow(narrowing: Narrowing) -> None:
    st.session_state[CHOSEN_IMAGES] = narrowing
    st.session_state[VIEW] = GRID
    st.session_state["grid_page"] = 1


def narrow_button(title: str, digests: tuple[str, ...]) -> None:
    """A button that opens the grid with these images only."""
    st.button(
        f"Browse these {len(digests):,}",
        icon=":material/filter_alt:",
        key=f"narrow_{title}",
        on_click=_narrow,
        args=(Narrowing(title, digests),),
    )


def narrowed(query: Query) -> Query:
    """The query limited to the chosen images, if any; shows the limit and a button to remove it."""
    found: Narrowing | None = st.session_state.get(CHOSEN_IMAGES)
    if found is None:
        return query
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(f"Only: {found.title} ({len(found.digests):,} images)", icon=":material/filter_alt:")
        st.button("Show all", key="narrow_lift", on_click=lambda: st.session_state.pop(CHOSEN_IMAGES))
    return replace(query, digests=found.digests)
