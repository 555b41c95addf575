"""The trust panel: one test after the other, each shown as soon as it is there, and the verdict above them."""

from typing import Final, Literal

import numpy as np
import streamlit as st

from covid_model.audit.score import Case, Outcome, TrustScore
from covid_model.audit.trust_tests import TRUST_TESTS, TrustTest
from covid_model.audit.twins import TWINS
from covid_model.audit.verdict import RULE, Verdict, verdict, withheld
from covid_model.explain.methods import SLOW
from covid_model.films.preprocess import resized
from covid_model.films.window import displayed
from covid_model.plots.trust import trust_figure
from ui.loaders import trust_score

Colour = Literal["green", "red", "orange", "gray"]

BADGES: Final[dict[Outcome, tuple[str, str, Colour]]] = {
    "passed": ("Passed", ":material/check:", "green"),
    "failed": ("Failed", ":material/close:", "red"),
    "unclear": ("Cannot decide", ":material/help:", "orange"),
    "told": ("For information", ":material/info:", "gray"),
}
THUMBNAIL: Final = (150, 150)


def trust_panel(case: Case) -> list[TrustScore]:
    """Run and show all trust tests; returns their scores."""
    place = st.empty()
    place.info("Testing whether this heatmap deserves trust …", icon=":material/hourglass_top:")
    if case.method.cost > SLOW:
        st.caption(f"{case.method.label} is slow, and so are its tests: some make it again several times.")
    scores = []
    columns = st.columns(2, gap="medium")
    for number, row in enumerate(TRUST_TESTS.values()):
        with columns[number % 2].container(border=True):
            with st.spinner(f"{row.question} …"):
                score = trust_score(case, row.key)
            show_score(case, row, score)
        scores.append(score)
    with place.container():
        show_verdict(case, verdict(case, scores))
    return scores


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
    figure = trust_figure(score)
    if figure is not None:
        with st.expander("How, and behind it", key=f"behind_{row.key}", on_change="rerun") as behind:
            if behind.open:
                st.caption(f"{row.how} {row.paper}.")
                st.plotly_chart(figure, key=f"trust_{row.key}", config={"displayModeBar": False}, alt=score.sentence)


def show_twins(case: Case, score: TrustScore) -> None:
    """The altered films with the probability under each."""
    pixels, lungs = case.film.pixels, case.answer.prepared.lungs.mask
    shown = [name for name in TWINS if name != "nothing"]
    for column, name in zip(st.columns(len(shown)), shown, strict=True):
        small = resized(np.asarray(TWINS[name](pixels, lungs), np.float32), THUMBNAIL)
        probability = score.details["probabilities"][name]
        column.image(displayed(small), caption=f"{name}: {probability:.0%}", alt=f"The film with {name}", width="stretch")


def may_be_tested(case: Case) -> bool:
    """False, with the reason shown, where the verdict is withheld before any test; a click runs them all the same."""
    why = withheld(case)
    if why is None:
        return True
    show_verdict(case, Verdict("withheld", why))
    return st.toggle("Run the tests all the same", key="test_anyway")
