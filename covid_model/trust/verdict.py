"""The one rule that turns trust scores into a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from covid_model.explain.captions import low_probability
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS

LEAST_PROBABILITY: Final = 0.5
CHANCE: Final = 0.5
"""The AUC of a model that knows nothing."""
ADULTS: Final = "adults"
"""The part of the test images (`evaluation.subsets`) on which a model must be better than chance."""

RULE_STEPS: Final = (
    "Withheld: the input check refuses the image, the method ignores the class, the lungs were not found, "
    f"the model gives the explained class less than {LEAST_PROBABILITY:.0%}, ranks it no better than chance among the "
    "adults of its test images, or the heatmap has no positive values.",
    "Not supported: a deciding test fails.",
    "Withheld: survival of the edits, weight randomisation or stability could not decide (the latter two need an audit "
    "record of the model and method), or without the lungs the model keeps most of its certainty.",
    "Supported: everything else. A supported heatmap shows what this model used; it does not make the model right.",
)
RULE: Final = f"The first rule that applies gives the verdict. {' '.join(RULE_STEPS)}"

WHAT_PASSED: Final = "Only survival of the edits looks for shortcuts; the others notice heatmaps that ignore the model."
"""What the three deciding tests can tell, by the trust benchmark."""

Word = Literal["supported", "not supported", "withheld"]


@dataclass(frozen=True)
class Verdict:
    """word: the verdict. why: its reason in a plain sentence or two; the numbers are in the scores."""

    word: Word
    why: str


def withheld(inputs: TrustInput) -> str | None:
    """Why no verdict can be given before any test is run, or None."""
    input_check = inputs.prediction.input_check
    if input_check is not None and not input_check.accepted:
        return f"{input_check.reason} A prediction for it means nothing."
    if inputs.method.class_blind:
        return f"{inputs.method.label} is the same for every class, so it is no evidence for {inputs.explanation.target}."
    if inputs.prediction.prepared.lungs.quality == "failed":
        return "The lungs were not found, so this may not be a chest X-ray."
    if inputs.probability < LEAST_PROBABILITY:
        return (
            f"{low_probability(inputs.explained_class, inputs.probability, inputs.prediction.head)}; "
            "do not read a heatmap for a class that the model itself finds unlikely."
        )
    unseen = not np.max(inputs.explanation.heatmap) > 0
    nothing = f"No part of the image raised the score of {inputs.explanation.target}." if unseen else None
    return _no_better_than_chance(inputs) or nothing


def _no_better_than_chance(inputs: TrustInput) -> str | None:
    """Why nothing is known to be in the model's answer, by its own card, or None.

    Among adults, since many models that score well on mixed collections know children, who are all without COVID-19. The
    error rates of the verdict are of models that know their class.
    """
    name, test = inputs.explained_class, inputs.classifier.card.scores.get("test", {})
    adults = test.get("by_subset", {}).get(ADULTS, {})
    auc = adults.get("scores", {}).get(f"auc/{name}")
    if not auc or auc["low"] is None or auc["low"] > CHANCE:
        return None
    return (
        f"Among {adults['images']} test images of adults this model ranks {name} no better than chance; a heatmap of such "
        f"an answer is no evidence (AUC {auc['value']:.2f}, 95% interval {auc['low']:.2f} to {auc['high']:.2f})."
    )


def rule_tests() -> list[str]:
    """Keys of the tests that RULE needs, in the table's order: the others inform, and no verdict waits for them."""
    return [test.key for test in TRUST_TESTS.values() if test.decides or test.qualifies]


def verdict(inputs: TrustInput, scores: Sequence[TrustScore]) -> Verdict:
    """The verdict on one heatmap by RULE. scores: of `rule_tests` at least; empty where `withheld` gives a reason."""
    if (why := withheld(inputs)) is not None:
        return Verdict("withheld", why)
    failed = [score for score in scores if score.outcome == "failed"]
    passed = [score for score in scores if score.outcome == "passed"]
    if failed:
        return Verdict("not supported", " ".join(score.finding for score in failed[:2]))
    decided = {score.key for score in passed}
    if missing := [test.question for test in TRUST_TESTS.values() if test.required and test.key not in decided]:
        return Verdict("withheld", f"{_undecided(missing)}{_no_record(inputs)}")
    if doubts := [score.finding for score in scores if score.doubt]:
        return Verdict("withheld", " ".join([*doubts, "No heatmap of such an answer is supported."]))
    caveats = [score.caveat for score in scores if score.caveat]
    return Verdict("supported", " ".join([f"All {len(passed)} tests that could decide passed. {WHAT_PASSED}", *caveats]))


def _undecided(questions: Sequence[str]) -> str:
    """The required tests that could not decide."""
    which = " and ".join(f"“{question}”" for question in questions)
    return f"A supported verdict needs an answer to {which}; no test could give one."


def _no_record(inputs: TrustInput) -> str:
    """Why tests that need the audit record could not decide, and how to make one."""
    if inputs.known_of_method:
        return ""
    return (
        f" The model has no audit record for {inputs.method.label}; "
        f"`python -m covid_model audit --model {inputs.explanation.model} --manifest FILE` writes it."
    )
