"""Refuse what is no frontal chest film, with the reason."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import FilmError
from covid_model.films.film import Film
from covid_model.gate.measures import Measurer

WEIGHTS: Final = Path(__file__).parent.parent / "weights" / "gate.json"
CARD: Final = WEIGHTS.with_suffix(".card.json")

FRONTAL: Final = "frontal"
REASONS: Final = {
    "lateral": "This looks like a chest film taken from the side; the models know frontal films only.",
    "inverted": "This looks like a chest film with black and white swapped; invert it, so that bones are white.",
    "turned": "This looks like a chest film that lies on its side or head, or is tilted; turn it upright.",
    "cropped": "This looks like a part of a chest film; both lungs must be on it as a whole.",
    "several": "This looks like several films side by side; give one at a time.",
    "ct": "This looks like a slice of a CT scan; the models know plain films only.",
    "screen": "This looks like a photograph of a screen or of a light box; give the exported file itself.",
    "other": "This does not look like a chest film.",
}
"""What a refused picture looks like -> the sentence its user reads."""


@dataclass(frozen=True)
class Ruling:
    """accepted: is it taken for a frontal chest film? frontal: how sure, in [0, 1]. kind: FRONTAL or a key of REASONS,
    whichever it looks most like; of a refused picture always a key of REASONS.
    """

    accepted: bool
    frontal: float
    kind: str

    @property
    def reason(self) -> str:
        """One sentence why it was refused; empty where it was not."""
        return "" if self.accepted else REASONS[self.kind]


@dataclass(frozen=True, eq=False)
class Gate:
    """Multinomial logistic regression over the measures. weights: (n, kinds); centre, spread: (n,); shift: (kinds,).

    kinds: one a column; several may share a name, as the ways in which a film can be turned do. threshold: probability of
    FRONTAL below which a picture is refused.
    """

    kinds: tuple[str, ...]
    weights: NDArray[np.float64]
    shift: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    threshold: float

    def probabilities(self, measures: NDArray[np.float32]) -> dict[str, float]:
        """Kind -> probability, for (n,) measures of one picture."""
        scores = (measures - self.centre) / self.spread @ self.weights + self.shift
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        found: dict[str, float] = dict.fromkeys((FRONTAL, *REASONS), 0.0)
        for kind, share in zip(self.kinds, shares, strict=True):
            found[kind] += float(share)
        return found

    def rule(self, measures: NDArray[np.float32]) -> Ruling:
        """The ruling on one picture's (n,) measures."""
        found = self.probabilities(measures)
        frontal = found[FRONTAL]
        if frontal >= self.threshold:
            return Ruling(True, frontal, FRONTAL)
        return Ruling(False, frontal, max(REASONS, key=lambda kind: found[kind]))


@lru_cache(maxsize=1)
def shipped_gate() -> Gate:
    """The gate whose numbers lie beside the models."""
    return read_gate(WEIGHTS)


@lru_cache(maxsize=1)
def gate_card() -> dict[str, Any]:
    """What `gate fit` measured on test films and on pictures made of them."""
    return dict(json.loads(CARD.read_text("utf-8")))


def read_gate(path: Path) -> Gate:
    """A gate as `gate.fit.write_gate` wrote it."""
    stored = json.loads(path.read_text("utf-8"))
    arrays = {name: np.array(stored[name]) for name in ("weights", "shift", "centre", "spread")}
    return Gate(tuple(stored["kinds"]), threshold=stored["threshold"], **arrays)


def admit(film: Film, measurer: Measurer, *, anyway: bool) -> Ruling:
    """The ruling on a film. Raises FilmError for a refused one unless it is to be let through `anyway`."""
    ruling = rule_on(film, measurer)
    if not ruling.accepted and not anyway:
        raise FilmError(f"{ruling.reason} With --anyway it is worked on all the same, without a verdict.")
    return ruling


def rule_on(film: Film, measurer: Measurer) -> Ruling:
    """Is this film a frontal chest film? Lateral where the file itself says so."""
    if film.view == "LATERAL":
        return Ruling(False, 0.0, "lateral")
    return shipped_gate().rule(measurer.measure(film.pixels))
