"""From a film to calibrated probabilities: the one path of the command line, the app and notebooks."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covid_model.films.film import Film
from covid_model.gate.judge import Ruling
from covid_model.lungs.segment import LungMask
from covid_model.zoo.classifier import Classifier, Prepared


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one model says about one film.

    logits: (units,) float32. probabilities: class name -> calibrated probability, summing to 1.
    warnings: sentences that weaken the answer, from the reading of the film, the gate and the lung mask.
    seconds: for finding the lungs and the forward pass together. ruling: the gate's on the film, where it was asked.
    """

    model: str
    weights_digest: str
    film_digest: str
    logits: NDArray[np.float32]
    probabilities: dict[str, float]
    prepared: Prepared
    warnings: tuple[str, ...]
    seconds: float
    ruling: Ruling | None = None

    @property
    def predicted(self) -> str:
        """The class of highest probability."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


def predict(classifier: Classifier, film: Film, lungs: LungMask | None = None, ruling: Ruling | None = None) -> Prediction:
    """Run one film through one model. Give `lungs` to keep an outline found before, as for altered copies of a film.

    ruling: what the gate says of the film; a refused film is answered all the same, with the reason as a warning.
    """
    start = time.perf_counter()
    prepared = classifier.prepare(film, lungs)
    logits = classifier.logits(prepared.batch)
    probabilities = classifier.probabilities(logits)[0]
    named = {name: float(value) for name, value in zip(classifier.card.classes, probabilities, strict=True)}
    return Prediction(
        model=classifier.key,
        weights_digest=classifier.weights_digest,
        film_digest=film.digest,
        logits=logits[0],
        probabilities=named,
        prepared=prepared,
        warnings=(*film.notes, *([ruling.reason] if ruling and not ruling.accepted else []), *prepared.lungs.reasons),
        seconds=time.perf_counter() - start,
        ruling=ruling,
    )
