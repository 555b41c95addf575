"""The verdict beside the answer, and the trust tests as chips that open; both fill up while the tests run."""

from collections.abc import Hashable
from typing import Final, Literal

import streamlit as st

from covid_model.trust.benchmark import benchmark_line, line_of_test, short_line
from covid_model.trust.figures import Images
from covid_model.trust.score import OUTCOMES, Outcome, TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS, TrustTest
from covid_model.trust.verdict import RULE_STEPS, Verdict, Word, rule_tests, verdict, withheld
from ui.background import background, session
from ui.fragment import fragment
from ui.inert import inert, inert_figure, inert_message
from ui.loaders import loaded_model, run_tests_in_background, scores_so_far, trust_figures
from ui.small_records import is_measured, measure_in_background, record_key
from ui.tensorflow_start import is_starting

Colour = Literal["green", "red", "orange", "gray"]

BADGES: Final[dict[Outcome, tuple[str, Colour]]] = {
    "passed": (":material/check:", "green"),
    "failed": (":material/close:", "red"),
    "unclear": (":material/help:", "orange"),
    "against": (":material/priority_high:", "orange"),
    "informational": (":material/info:", "gray"),
}
"""Icon and colour of how a test went."""
VERDICTS: Final[dict[Word, tuple[str, str, Colour]]] = {
    "supported": ("Supported", ":material/verified:", "green"),
    "not supported": ("Not supported", ":material/gpp_bad:", "red"),
    "withheld": ("Withheld", ":material/block:", "orange"),
}
TICK: Final = 0.5
"""Seconds between two updates of the test results."""
MEASURING: Final = "measuring_record"
"""In the session: the key of the record that its visitor waits for."""
FAULT: Final = "measuring_fault"
"""In the session: the key of a record that could not be measured, and why."""
WAITING: Final = "trust_waiting"
"""In the session: the page shows tests that have not finished; when they have, it runs once more and its parts rest."""


def verdict_line(inputs: TrustInput) -> None:
    """The verdict as a chip, with one plain line why; until its tests have finished, how many have.

    Tests that only inform run after those of the rule, and finish behind the verdict.
    """
    key = _record_key(inputs)
    if st.session_state.get(MEASURING) == key and is_measured(key):
        del st.session_state[MEASURING]
    tested = len(scores_so_far(inputs)) == len(TRUST_TESTS)
    rests = withheld(inputs) is not None or (tested and not _is_measuring(inputs))
    if rests:
        st.session_state.pop(WAITING, None)  # the whole page runs already
    fragment(run_every=None if rests else TICK)(_verdict_line)(inputs)


def _verdict_line(inputs: TrustInput) -> None:
    if (why := withheld(inputs)) is not None:
        show_verdict(Verdict("withheld", why))
        return
    # While the record is measured, nothing else is asked for: a session has one wish, and two would end each other.
    scores = scores_so_far(inputs) if _is_measuring(inputs) else _scores_while_wanted(inputs)
    if scores is None:
        return
    needed = rule_tests()
    done = sum(test in scores for test in needed)
    if done == len(needed):
        found = verdict(inputs, list(scores.values()))
        show_verdict(found)
        if found.word != "withheld" and (rates := short_line(inputs.explanation.method)):
            st.caption(f"{rates}{_against(scores)}")
        if found.word == "withheld" and not inputs.known_of_method:
            _offer_missing_tests(inputs)
        return
    _chip(f"Testing {done} of {len(needed)}", ":material/hourglass_top:", "gray", _what_is_tested(inputs))


def _against(scores: dict[str, TrustScore]) -> str:
    """How many tests that decide nothing speak against the heatmap unsaid, as soon as all have run."""
    count = sum(score.outcome == "against" and not score.caveat for score in scores.values())
    if len(scores) < len(TRUST_TESTS) or not count:
        return ""
    more = " more" if any(score.outcome == "against" and score.caveat for score in scores.values()) else ""
    return (
        f" Of the tests below that decide nothing, {count}{more} {'speaks' if count == 1 else 'speak'} against this heatmap."
    )


def _record_key(inputs: TrustInput) -> Hashable:
    return record_key(inputs.explanation.model_digest, inputs.explanation.method)


def _is_measuring(inputs: TrustInput) -> bool:
    """Does the visitor wait for the model's record?"""
    key = _record_key(inputs)
    return st.session_state.get(MEASURING) == key and not is_measured(key)


def _offer_missing_tests(inputs: TrustInput) -> None:
    """A button that measures the pass lines that the tests lack; then its progress, and the page again with the verdict."""
    key, model, method = _record_key(inputs), inputs.explanation.model, inputs.explanation.method
    if st.session_state.get(MEASURING) != key:
        how = "Measures pass lines on the synthetic images that ship, in this server's memory; a minute for most methods."
        failed, sentence = st.session_state.get(FAULT, (None, ""))
        if failed == key:
            st.error(sentence, icon=":material/error:")
        if st.button("Run the missing tests", icon=":material/play_arrow:", key="measure_record", help=how):
            st.session_state.pop(FAULT, None)
            st.session_state[MEASURING] = key
            st.rerun()
        return
    found = 1.0 if is_measured(key) else measure_in_background(loaded_model(model), method)
    if isinstance(found, BaseException):
        del st.session_state[MEASURING]
        st.session_state[FAULT] = (key, f"The pass lines were not measured: {inert_message(found)}")
        st.rerun()
    elif is_measured(key):
        del st.session_state[MEASURING]
        st.rerun()
    else:
        st.progress(found, f"Measuring pass lines of {inputs.method.label} for this model …")


def _what_is_tested(inputs: TrustInput) -> str:
    """What the visitor waits for."""
    text = "The tests show whether this heatmap can be trusted."
    queue = background().queue(session())
    if queue.others:
        others = "Another heatmap is" if queue.others == 1 else f"{queue.others} other heatmaps are"
        took = "" if queue.seconds is None else f"; all tests of this one take about {max(1, round(queue.seconds))} s"
        return f"{others} tested at the same time{took}."
    if is_starting():
        return f"{text} TensorFlow, which some of them need, is starting …"
    if inputs.method.slow:
        return f"{text} {inputs.method.label} is slow, and so are they: some compute the heatmap several times."
    return text


def _scores_while_wanted(inputs: TrustInput) -> dict[str, TrustScore] | None:
    """The scores so far, after asking for the rest; None, with the reason shown, where a test failed to run.

    With the last score the whole page runs once more, so that its live parts rest.
    """
    scores = scores_so_far(inputs)
    if len(scores) < len(TRUST_TESTS):
        if (fault := run_tests_in_background(inputs)) is not None:
            st.error(f"The tests stopped: {inert_message(fault)}", icon=":material/error:")
            return None
        st.session_state[WAITING] = True
    elif st.session_state.pop(WAITING, False):
        st.rerun()
    return scores


def show_verdict(found: Verdict) -> None:
    """The verdict and its reason on one line."""
    _chip(*VERDICTS[found.word], inert_message(found.why))


def _chip(word: str, icon: str, colour: Colour, text: str) -> None:
    """A chip and one sentence on the same line. text: Markdown."""
    st.markdown(f":{colour}-badge[{icon} {word}] {text}")


def trust_chips(inputs: TrustInput) -> None:
    """Every trust test as a chip that opens; where the verdict is withheld anyway, only after a click."""
    early = withheld(inputs) is not None
    if early and not st.toggle("Run the tests anyway", key="test_anyway", help="The verdict stays withheld."):
        return
    rests = len(scores_so_far(inputs)) == len(TRUST_TESTS)
    fragment(run_every=None if rests else TICK)(_trust_chips)(inputs, early)


def _trust_chips(inputs: TrustInput, early: bool) -> None:
    """early: without a verdict line that asks for the tests."""
    scores = _scores_while_wanted(inputs) if early else scores_so_far(inputs)
    if scores is None:
        return
    left, right = st.columns([6, 1], vertical_alignment="bottom")
    key = left.pills(
        "The tests; choose one to see what it found and how",
        list(TRUST_TESTS),
        format_func=lambda key: chip_label(TRUST_TESTS[key], scores.get(key)),
        key="test",
        wrap=True,
    )
    with right.popover("The rule", icon=":material/gavel:"):
        st.write("The first rule that applies gives the verdict.")
        st.markdown("\n".join(f"1. {step}" for step in RULE_STEPS))
    if line := benchmark_line(inputs.explanation.method):
        st.caption(line)
    if key is not None:
        with st.container(border=True, key="opened_test"):
            if key in scores:
                show_score(inputs, TRUST_TESTS[key], scores[key])
            else:
                st.caption("This test has not finished yet …")


def chip_label(test: TrustTest, score: TrustScore | None) -> str:
    """The question of a test and how it went, as Markdown."""
    if score is None:
        return f":gray[:material/hourglass_empty:] {test.question}"
    icon, colour = BADGES[score.outcome]
    return f":{colour}[{icon}] {test.question}"


def show_score(inputs: TrustInput, test: TrustTest, score: TrustScore) -> None:
    """One test: outcome, question, finding with its numbers, images and charts, and how it is measured."""
    icon, colour = BADGES[score.outcome]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{test.question}**", width="stretch")
        st.badge(OUTCOMES[score.outcome].capitalize(), icon=icon, color=colour)
    st.markdown(inert_message(score.sentence))
    for number, figure in enumerate(trust_figures(inputs, score)):
        if isinstance(figure, Images):
            show_images(figure)
            continue
        from covid_model.plots.trust import trust_chart  # loads Plotly and pandas, which the first answer need not wait for

        st.plotly_chart(
            inert_figure(trust_chart(figure)),
            key=f"trust_{test.key}_{number}",
            config={"displayModeBar": False},
            alt=score.sentence,
        )
    st.caption(f"{test.how} {test.paper}. {line_of_test(test.key, inputs.explanation.method)}")


def show_images(images: Images) -> None:
    """Images side by side, each with its caption."""
    for column, (caption, picture) in zip(st.columns(len(images.pictures)), images.pictures.items(), strict=True):
        column.image(picture, caption=inert(caption), alt=f"{images.title} {caption}", width="stretch")
