"""What a trained model uses, measured by adding and removing it on held-out drawings."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import run_in_chunks
from covid_model.build.trust_benchmark.drawn import Case, draw
from covid_model.build.trust_benchmark.networks import FIRST_HELD_OUT, NETWORKS, inputs_of
from covid_model.evaluation.scores import auc
from covid_model.models.classifier import Classifier

CASES: Final = 64
"""Held-out chests, each drawn with and without opacity and shortcut."""
USED: Final = 0.20
"""A model uses a shortcut that raises the probability of an opacity by at least this much on average."""
UNUSED: Final = 0.10
"""A model does not use a shortcut that changes the probability by less than this much on average, either way."""
LEARNED: Final = 0.75
"""A model whose AUC for the opacity is below this, with the shortcut drawn at random, has not learned the task."""

Use = Literal["used", "not used", "between"]


@dataclass(frozen=True, eq=False)
class Effects:
    """probabilities: (CASES, 2, 2) of an opacity, by chest, opacity absent or there, shortcut absent or there.

    shortcut, opacity: mean change of the probability when it is added, over chests and over the state of the other.
    auc: of the probability for the opacity, the shortcut independent of it.
    """

    probabilities: NDArray[np.float64]

    @property
    def shortcut(self) -> float:
        """The average causal effect of the shortcut."""
        return float((self.probabilities[:, :, 1] - self.probabilities[:, :, 0]).mean())

    @property
    def opacity(self) -> float:
        """The average causal effect of the opacity."""
        return float((self.probabilities[:, 1] - self.probabilities[:, 0]).mean())

    @property
    def auc(self) -> float:
        """Area under the ROC curve for the opacity."""
        truth = np.zeros(self.probabilities.shape, bool)
        truth[:, 1] = True
        return auc(truth.ravel(), self.probabilities.ravel())

    @property
    def use(self) -> Use:
        """By the lines USED and UNUSED; "between" where neither holds, or the shortcut lowers the probability."""
        if self.shortcut >= USED:
            return "used"
        return "not used" if abs(self.shortcut) < UNUSED else "between"


def case(number: int, kind: str, *, opacity: bool, shortcut: bool) -> Case:
    """A held-out case by number."""
    return Case(FIRST_HELD_OUT + number, kind, opacity, shortcut)


def measure_effects(classifier: Classifier, network: str, kind: str, cases: int = CASES) -> Effects:
    """The probabilities of a model on all four versions of held-out chests."""
    states = [(number, o, s) for number in range(cases) for o in (False, True) for s in (False, True)]
    drawings = [draw(case(number, kind, opacity=o, shortcut=s)) for number, o, s in states]
    logits = run_in_chunks(classifier.forward, inputs_of(drawings, NETWORKS[network]))
    return Effects(classifier.probabilities(logits)[:, 1].reshape(cases, 2, 2))
