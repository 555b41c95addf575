"""The trust panel: one test after the other, each shown as soon as it is there, and the verdict above them."""

from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.audit.score import Case, Outcome, TrustScore
from covid_model.audit.trust_tests import TRUST_TESTS, TrustTest
from covid_model.audit.twins import TWINS
from covid_model.audit.verdict import RULE, Verdict, verdict, withheld
from covid_model.explain.methods import SLOW
from covid_model.films.film import Film
from covid_model.films.preprocess import resized
from covid_model.films.window import displayed
from covid_model.plots.trust import has_figure, trust_figure
from ui.loaders import run_tests_in_background, scores_so_far
from ui.results import remembered

Colour = Literal["green", "red", "orange", "gray"]

BADGES: Final[dict[Outcome, tuple[str, str, Colour]]] = {
    "passed": ("Passed", ":material/check:", "green"),
    "failed": ("Failed", ":material/close:", "red"),
    "unclear": ("Cannot decide", ":material/help:", "orange"),
    "told": ("For information", ":material/info:", "gray"),
}
TICK: Final = 1.0
"""Seconds between two looks at what the tests have found."""
THUMBNAIL: Final = (150, 150)


def trust_panel(case: Case) -> None:
    """All trust tests, each shown as soon as it is there; the page stays usable meanwhile."""
    done = len(scores_so_far(case)) == len(TRUST_TESTS)
    st.fragment(_panel, run_every=None if done else TICK)(case)


def _panel(case: Case) -> None:
    """What is known now. Ends its own repetition by one run of the whole page when the last score has come."""
    before = scores_so_far(case)
    fault = None if len(before) == len(TRUST_TESTS) else run_tests_in_background(case)
    scores = list(before.values())
    if fault is not None:
        st.error(f"The tests stopped: {fault}", icon=":material/error:")
    elif len(scores) == len(TRUST_TESTS):
        show_verdict(case, verdict(case, scores))
        if st.session_state.pop("trust_waiting", False):
            st.rerun()
    else:
        st.session_state["trust_waiting"] = True
        st.info(f"Testing whether this heatmap deserves trust: {len(scores)} of {len(TRUST_TESTS)} tests done …")
        if case.method.cost > SLOW:
            st.caption(f"{case.method.label} is slow, and so are its tests: some make it again several times.")
    columns = st.columns(2, gap="medium")
    for number, (key, row) in enumerate(TRUST_TESTS.items()):
        with columns[number % 2].container(border=True):
            if key in before:
                show_score(case, row, before[key])
            else:
                st.markdown(f"**{row.question}**")
                st.caption("Waiting …" if fault is None else "Not run.")


def show_verdict(case: Case, found: Verdict) -> None:
    """The verdict in one box; the rule in words below."""
    what = f"the {case.method.label} map for {case.explanation.target}"
    if found.word == "supported":
        st.success(f"**Supported:** {what}. {found.why}", icon=":material/verified:")
    elif found.word == "not supported":
        st.error(f"**Not supported:** {what}. {found.why}", icon=":material/gpp_bad:")
    else:
        st.warning(f"**Withheld:** no verdict on {what}. {found.why}", icon=":material/block:")
    with st.expander("The rule"):
        st.write(RULE)


def show_score(case: Case, row: TrustTest, score: TrustScore) -> None:
    """One test: outcome, question, finding, and what lies behind it."""
    name, icon, colour = BADGES[score.outcome]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{row.question}**", width="stretch")
        st.badge(name, icon=icon, color=colour)
    st.markdown(score.sentence)
    if row.key == "twins":
        show_twins(case, score)
    if has_figure(score):
        behind = st.expander("How, and behind it", key=f"behind_{row.key}", on_change="rerun")
        if behind.open:
            behind.caption(f"{row.how} {row.paper}.")
            behind.plotly_chart(
                trust_figure(score), key=f"trust_{row.key}", config={"displayModeBar": False}, alt=score.sentence
            )


def show_twins(case: Case, score: TrustScore) -> None:
    """The altered films with the probability under each."""
    film = case.film
    pictures = remembered().get_or_make(
        ("twins", film.digest, case.explanation.model), lambda: twin_pictures(film, case.answer.prepared.lungs.mask)
    )
    for column, (name, picture) in zip(st.columns(len(pictures)), pictures.items(), strict=True):
        caption = f"{name}: {score.details['probabilities'][name]:.0%}"
        column.image(picture, caption=caption, alt=f"The film with {name}", width="stretch")


def twin_pictures(film: Film, lungs: NDArray[np.bool_]) -> dict[str, NDArray[np.uint8]]:
    """Every twin but the empty one, small."""
    return {
        name: displayed(resized(np.asarray(altered(film.pixels, lungs), np.float32), THUMBNAIL))
        for name, altered in TWINS.items()
        if name != "nothing"
    }


def may_be_tested(case: Case) -> bool:
    """False, with the reason shown, where the verdict is withheld before any test; a click runs them all the same."""
    why = withheld(case)
    if why is None:
        return True
    show_verdict(case, Verdict("withheld", why))
    return st.toggle("Run the tests all the same", key="test_anyway")
