"""The trust panel: one test after the other, each shown as soon as it is there, and the verdict above them."""

from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.audit.region_ablation import REGIONS
from covid_model.audit.score import Outcome, TrustInput, TrustScore
from covid_model.audit.trust_tests import TRUST_TESTS, TrustTest
from covid_model.audit.verdict import RULE, Verdict, verdict, withheld
from covid_model.explain.methods import SLOW
from covid_model.images.preprocess import resized
from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.plots.trust import has_figure, trust_figure
from ui.loaders import run_tests_in_background, scores_so_far
from ui.results import results

Colour = Literal["green", "red", "orange", "gray"]

BADGES: Final[dict[Outcome, tuple[str, str, Colour]]] = {
    "passed": ("Passed", ":material/check:", "green"),
    "failed": ("Failed", ":material/close:", "red"),
    "unclear": ("Cannot decide", ":material/help:", "orange"),
    "informational": ("For information", ":material/info:", "gray"),
}
TICK: Final = 1.0
"""Seconds between two looks at what the tests have found."""
THUMBNAIL: Final = (150, 150)


def trust_panel(inputs: TrustInput) -> None:
    """All trust tests, each shown as soon as it is there; the page stays usable meanwhile."""
    done = len(scores_so_far(inputs)) == len(TRUST_TESTS)
    st.fragment(_panel, run_every=None if done else TICK)(inputs)


def _panel(inputs: TrustInput) -> None:
    """What is known now. Ends its own repetition by one run of the whole page when the last score has come."""
    before = scores_so_far(inputs)
    fault = None if len(before) == len(TRUST_TESTS) else run_tests_in_background(inputs)
    scores = list(before.values())
    if fault is not None:
        st.error(f"The tests stopped: {fault}", icon=":material/error:")
    elif len(scores) == len(TRUST_TESTS):
        show_verdict(inputs, verdict(inputs, scores))
        if st.session_state.pop("trust_waiting", False):
            st.rerun()
    else:
        st.session_state["trust_waiting"] = True
        st.info(f"Testing whether this heatmap deserves trust: {len(scores)} of {len(TRUST_TESTS)} tests done …")
        if inputs.method.cost > SLOW:
            st.caption(f"{inputs.method.label} is slow, and so are its tests: some make it again several times.")
    columns = st.columns(2, gap="medium")
    for number, (key, row) in enumerate(TRUST_TESTS.items()):
        with columns[number % 2].container(border=True):
            if key in before:
                show_score(inputs, row, before[key])
            else:
                st.markdown(f"**{row.question}**")
                st.caption("Waiting …" if fault is None else "Not run.")


def show_verdict(inputs: TrustInput, found: Verdict) -> None:
    """The verdict in one box; the rule in words below."""
    what = f"the {inputs.method.label} map for {inputs.explanation.target}"
    if found.word == "supported":
        st.success(f"**Supported:** {what}. {found.why}", icon=":material/verified:")
    elif found.word == "not supported":
        st.error(f"**Not supported:** {what}. {found.why}", icon=":material/gpp_bad:")
    else:
        st.warning(f"**Withheld:** no verdict on {what}. {found.why}", icon=":material/block:")
    with st.expander("The rule"):
        st.write(RULE)


def show_score(inputs: TrustInput, row: TrustTest, score: TrustScore) -> None:
    """One test: outcome, question, finding, and what lies behind it."""
    name, icon, colour = BADGES[score.outcome]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{row.question}**", width="stretch")
        st.badge(name, icon=icon, color=colour)
    st.markdown(score.sentence)
    if row.key == "region_ablation":
        show_region_ablation(inputs, score)
    if has_figure(score):
        behind = st.expander("How, and behind it", key=f"behind_{row.key}", on_change="rerun")
        if behind.open:
            behind.caption(f"{row.how} {row.paper}.")
            behind.plotly_chart(
                trust_figure(score), key=f"trust_{row.key}", config={"displayModeBar": False}, alt=score.sentence
            )


def show_region_ablation(inputs: TrustInput, score: TrustScore) -> None:
    """The altered images with the probability under each."""
    image = inputs.image
    pictures = results().get_or_make(
        ("region_ablation", image.digest, inputs.explanation.model),
        lambda: region_images(image, inputs.prediction.prepared.lungs.mask),
    )
    for column, (name, picture) in zip(st.columns(len(pictures)), pictures.items(), strict=True):
        caption = f"{name}: {score.details['probabilities'][name]:.0%}"
        column.image(picture, caption=caption, alt=f"The image with {name}", width="stretch")


def region_images(image: XrayImage, lungs: NDArray[np.bool_]) -> dict[str, NDArray[np.uint8]]:
    """Every altered image but the empty one, small."""
    return {
        name: displayed(resized(np.asarray(altered(image.pixels, lungs), np.float32), THUMBNAIL))
        for name, altered in REGIONS.items()
        if name != "nothing"
    }


def may_be_tested(inputs: TrustInput) -> bool:
    """False, with the reason shown, where the verdict is withheld before any test; a click runs them all the same."""
    why = withheld(inputs)
    if why is None:
        return True
    show_verdict(inputs, Verdict("withheld", why))
    return st.toggle("Run the tests all the same", key="test_anyway")
