"""The trust panel: the tests, each shown as soon as it has finished, and the verdict above them."""

from typing import Final, Literal

import streamlit as st

from covid_model.plots.trust import trust_chart
from covid_model.trust.figures import Images
from covid_model.trust.score import Outcome, TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS, TrustTest
from covid_model.trust.verdict import RULE, Verdict, verdict, withheld
from ui.inert import inert, inert_figure, inert_message
from ui.loaders import run_tests_in_background, scores_so_far, trust_figures
from ui.tensorflow_start import is_starting

Colour = Literal["green", "red", "orange", "gray"]

BADGES: Final[dict[Outcome, tuple[str, str, Colour]]] = {
    "passed": ("Passed", ":material/check:", "green"),
    "failed": ("Failed", ":material/close:", "red"),
    "unclear": ("Cannot decide", ":material/help:", "orange"),
    "informational": ("For information", ":material/info:", "gray"),
}
TICK: Final = 1.0
"""Seconds between two updates of the test results."""


def trust_panel(inputs: TrustInput) -> None:
    """All trust tests, each shown as soon as it has finished; the page stays usable meanwhile."""
    done = len(scores_so_far(inputs)) == len(TRUST_TESTS)
    st.fragment(_panel, run_every=None if done else TICK)(inputs)


def _panel(inputs: TrustInput) -> None:
    """The current results. When the last score is available, one run of the whole page ends the repetition."""
    before = scores_so_far(inputs)
    fault = None if len(before) == len(TRUST_TESTS) else run_tests_in_background(inputs)
    scores = list(before.values())
    if fault is not None:
        st.error(f"The tests stopped: {inert_message(fault)}", icon=":material/error:")
    elif len(scores) == len(TRUST_TESTS):
        show_verdict(inputs, verdict(inputs, scores))
        if st.session_state.pop("trust_waiting", False):
            st.rerun()
    else:
        st.session_state["trust_waiting"] = True
        st.info(f"Testing whether you can trust this heatmap: {len(scores)} of {len(TRUST_TESTS)} tests done …")
        if is_starting():
            st.caption("Starting TensorFlow, which some of the tests need …")
        if inputs.method.slow:
            st.caption(f"{inputs.method.label} is slow, and so are its tests: some compute the heatmap several times.")
    columns = st.columns(2, gap="medium")
    for number, (key, test) in enumerate(TRUST_TESTS.items()):
        with columns[number % 2].container(border=True):
            if key in before:
                show_score(inputs, test, before[key])
            else:
                st.markdown(f"**{test.question}**")
                st.caption("Waiting …" if fault is None else "Not run.")


def show_verdict(inputs: TrustInput, found: Verdict) -> None:
    """The verdict, and below it the rule."""
    what = f"the {inputs.method.label} heatmap for {inert(inputs.explanation.target)}"
    why = inert_message(found.why)
    if found.word == "supported":
        st.success(f"**Supported:** {what}. {why}", icon=":material/verified:")
    elif found.word == "not supported":
        st.error(f"**Not supported:** {what}. {why}", icon=":material/gpp_bad:")
    else:
        st.warning(f"**Withheld:** no verdict on {what}. {why}", icon=":material/block:")
    with st.expander("The rule"):
        st.write(RULE)


def show_score(inputs: TrustInput, test: TrustTest, score: TrustScore) -> None:
    """One test: outcome, question, finding, images, and on demand how it works and its charts."""
    name, icon, colour = BADGES[score.outcome]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{test.question}**", width="stretch")
        st.badge(name, icon=icon, color=colour)
    st.markdown(inert_message(score.sentence))
    figures = trust_figures(inputs, score)
    for figure in figures:
        if isinstance(figure, Images):
            show_images(figure)
    behind = st.expander("How it is measured", key=f"behind_{test.key}", on_change="rerun")
    if behind.open:
        behind.caption(f"{test.how} {test.paper}.")
        for number, figure in enumerate(figures):
            if not isinstance(figure, Images):
                behind.plotly_chart(
                    inert_figure(trust_chart(figure)),
                    key=f"trust_{test.key}_{number}",
                    config={"displayModeBar": False},
                    alt=score.sentence,
                )


def show_images(images: Images) -> None:
    """Images side by side, each with its caption."""
    for column, (caption, picture) in zip(st.columns(len(images.pictures)), images.pictures.items(), strict=True):
        column.image(picture, caption=inert(caption), alt=f"{images.title} {caption}", width="stretch")


def may_be_tested(inputs: TrustInput) -> bool:
    """False, with the reason shown, if the verdict is withheld before any test; a toggle runs the tests anyway."""
    why = withheld(inputs)
    if why is None:
        return True
    show_verdict(inputs, Verdict("withheld", why))
    return st.toggle("Run the tests anyway", key="test_anyway")
