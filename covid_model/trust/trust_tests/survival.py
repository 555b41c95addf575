"""Does the answer survive edits that leave the lungs alone? If not, it rests on something else."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.trust.figures import Bars, Figure, Images, small_picture
from covid_model.trust.matched_edits import EDITS, USUAL, Usual, edited_logits, working_copy
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register

ALLOWED: Final = 0.5
"""An edit may take away this share of the answer's log-odds. Chosen on 48 models that are not in the trust benchmark."""
LEAST_LOG_ODDS: Final = 1.0
"""Answers surer than 50% by less than this count as this sure, so that a coin's toss is not divided by nothing."""
SURE: Final = 1e-6
"""Probabilities nearer to 0 or 1 than this have the log-odds of this."""


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural log-odds of probabilities, of any shape; finite.

    >>> log_odds(np.array([0.5])).tolist()
    [0.0]
    """
    kept = np.clip(probability, SURE, 1 - SURE)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)


@register
class Survival(TrustTest):
    """The largest fall of the explained class over matched edits, as a share of its log-odds.

    Log-odds and not probability: a model that is sure at 0.999 loses nothing visible in probability when half of what made
    it sure is gone.
    """

    key = "survival"
    question = "Does the answer survive edits that leave the lungs alone?"
    how = (
        "Bright marks, a plain frame and lines are taken away, and tone, contrast and size of the lungs are made usual, one "
        "at a time. None of it may cost the answer more than half of its log-odds."
    )
    paper = "DeGrave 2021, doi 10.1038/s42256-021-00338-7"
    better = "lower"
    decides = True
    required = True
    cost = 0.4

    def run(self, inputs: TrustInput) -> TrustScore:
        lungs, name = inputs.prediction.prepared.lungs, inputs.explained_class
        inputs.progress(0.5)
        if not lungs.mask.any():
            return self.score(None, "Without lungs nothing can be left alone: none were found.")
        before, after = edited_logits(inputs.classifier, inputs.image, lungs, usual=usual_for(inputs))
        inputs.progress(1.0)
        column = inputs.classifier.card.classes.index(name)
        found = inputs.classifier.probabilities(np.stack([before, *after.values()]))[:, column]
        odds = log_odds(found)
        base = max(float(odds[0]), LEAST_LOG_ODDS)
        falls = dict(zip(after, ((odds[0] - odds[1:]) / base).tolist(), strict=True))
        worst = max(falls, key=falls.__getitem__)
        probabilities = {"as it is": float(found[0]), **dict(zip(after, found[1:].tolist(), strict=True))}
        details: dict[str, Any] = {"probabilities": probabilities, "falls": falls, "worst": worst, "class": name}
        passed = falls[worst] <= ALLOWED
        label, after_worst = EDITS[worst].label, probabilities[worst]
        how = f"the {name} score {_moves(float(found[0]), after_worst)}"
        if passed:
            finding, numbers = "The answer survives edits that leave the lungs alone", f"at worst, {label}, {how}"
        else:
            finding = f"{label[0].upper()}{label[1:]} {how}"
            numbers = f"{falls[worst]:.0%} of its log-odds are lost, where {ALLOWED:.0%} are allowed"
        return self.score(falls[worst], f"{finding}: {numbers}.", chance=0.0, passed=passed, details=details)

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        known = score.details["probabilities"]
        pixels, mask = working_copy(inputs.image, inputs.prediction.prepared.lungs)
        pictures = {
            f"{edit.label}: {known[name]:.0%}": small_picture(edit.apply(pixels, mask, usual_for(inputs))[0])
            for name, edit in EDITS.items()
        }
        return Images("The same image", pictures), Bars(known, "as it is")


def usual_for(inputs: TrustInput) -> Usual:
    """The usual image that edits go towards: of the audit record where it names one, else of chest X-rays."""
    known = inputs.measured.get("usual")
    return Usual(**known) if known else USUAL


def _moves(before: float, after: float) -> str:
    """How a score went, in words.

    >>> _moves(0.942, 0.921), _moves(0.831, 0.829), _moves(0.9999, 0.995)
    ('falls from 94% to 92%', 'stays at 83%', 'falls from 99.99% to 99.50%')
    """
    one, other = f"{before:.0%}", f"{after:.0%}"
    if one == other and abs(log_odds(np.array(before)) - log_odds(np.array(after))) > LEAST_LOG_ODDS:
        one, other = f"{before:.2%}", f"{after:.2%}"  # near 0 and 1 a large change of log-odds is a small one of percent
    return f"stays at {one}" if one == other else f"{'falls' if after < before else 'rises'} from {one} to {other}"
