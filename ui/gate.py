"""What the gate says of a film, and the deliberate click past it."""

from typing import Final

import streamlit as st

from covid_model.films.film import Film
from covid_model.films.window import displayed
from covid_model.gate.judge import FRONTAL, gate_card
from ui.loaders import ruling

WAVED: Final = "waved_through"
"""In the session: digests of refused films that the user wants explained all the same."""


def admitted(film: Film, title: str) -> bool:
    """True for a film that the gate accepts or the user waved through; else reason, film and button are shown."""
    found = ruling(film)
    waved: set[str] = st.session_state.setdefault(WAVED, set())
    if found.accepted or film.digest in waved:
        return True
    st.warning(f"**Not explained.** {found.reason}", icon=":material/block:")
    st.caption(
        "A model answers whatever it is given. For this picture its answer and its heatmap would look as sure as for a "
        "chest film, and mean nothing."
    )
    frontal = [score for name, score in gate_card()["scores"].items() if name.startswith(FRONTAL)]
    films = sum(score["pictures"] for score in frontal)
    wrong = sum(score["pictures"] * score["value"] for score in frontal)
    st.caption(f"The gate errs too: it refused {wrong:.0f} of {films} real frontal test films.")
    st.button(
        "Explain it all the same",
        key=f"wave_{film.digest[:8]}",
        icon=":material/arrow_forward:",
        help="No verdict will be given.",
        on_click=waved.add,
        args=(film.digest,),
    )
    st.image(displayed(film.pixels), width=420, alt=f"{title}, which the gate refuses: {found.reason}")
    return False
