"""The one rule that turns trust scores into a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from covid_model.audit.score import Case, TrustScore

LEAST_PROBABILITY: Final = 0.5
LEAST_PASSED: Final = 3

RULE: Final = (
    "Withheld for films that the gate refuses, for methods that know no class, "
    f"when the model gives the explained class less than {LEAST_PROBABILITY:.0%}, "
    f"when the lungs were not found, when nothing speaks for the class, or when fewer than {LEAST_PASSED} "
    "deciding tests could decide. Not supported when a deciding test fails. Supported when none fails. "
    "A supported heatmap shows what this model used; it does not make the model right."
)

Word = Literal["supported", "not supported", "withheld"]


@dataclass(frozen=True)
class Verdict:
    """supported, not supported or withheld, and why in a sentence or two."""

    word: Word
    why: str


def withheld(case: Case) -> str | None:
    """Why no verdict can be given before any test is run, or None."""
    ruling = case.answer.ruling
    if ruling is not None and not ruling.accepted:
        return f"{ruling.reason} What a model says of it means nothing."
    if case.method.class_blind:
        return f"{case.method.label} is the same for every class: it holds no evidence for {case.explanation.target}."
    if case.answer.prepared.lungs.quality == "failed":
        return "The lungs were not found, so this may be no chest film."
    if case.probability < LEAST_PROBABILITY:
        return (
            f"The model gives {case.explained_class} only {case.probability:.0%}: "
            "a heatmap for what the model does not believe is not to be read."
        )
    if not np.max(case.explanation.film_map) > 0:
        return f"Nothing on the film speaks for {case.explanation.target}."
    return None


def verdict(case: Case, scores: Sequence[TrustScore]) -> Verdict:
    """Judge all scores of one heatmap by RULE."""
    if (why := withheld(case)) is not None:
        return Verdict("withheld", why)
    failed = [score for score in scores if score.outcome == "failed"]
    passed = [score for score in scores if score.outcome == "passed"]
    if failed:
        return Verdict("not supported", " ".join(score.sentence for score in failed[:2]))
    if len(passed) < LEAST_PASSED:
        return Verdict("withheld", f"Only {len(passed)} of the deciding tests could decide.")
    return Verdict("supported", f"All {len(passed)} tests that could decide were passed.")
