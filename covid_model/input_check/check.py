"""Refuse inputs that are not frontal chest X-rays, with the reason."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.probabilities import softmax
from covid_model.errors import ImageError
from covid_model.files import read_arrays
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.features import measure
from covid_model.lungs.segment import LungOutputs
from covid_model.settings import WEIGHTS

NUMBERS: Final = WEIGHTS / "input_check.npz"
CARD: Final = WEIGHTS / "input_check.card.json"

FRONTAL: Final = "frontal"
REASONS: Final = {
    "lateral": "This looks like a chest X-ray taken from the side; the models know frontal images only.",
    "inverted": "This looks like a chest X-ray with black and white swapped; invert it, so that bones are white.",
    "turned": "This looks like a chest X-ray that is rotated or upside down; turn it upright.",
    "cropped": "This looks like a part of a chest X-ray; give one that shows both lungs completely.",
    "several": "This looks like several images side by side; give one at a time.",
    "ct": "This looks like a slice of a CT scan; the models know plain X-rays only.",
    "screen": "This looks like a photograph of a screen or of a light box; give the exported file itself.",
    "other": "This does not look like a chest X-ray.",
}
"""What a refused input looks like -> the sentence for the user."""


@dataclass(frozen=True)
class InputCheckResult:
    """accepted: is it a frontal chest X-ray? frontal: its probability, in [0, 1]. kind: FRONTAL, or the likeliest key of
    REASONS for a refused input.
    """

    accepted: bool
    frontal: float
    kind: str

    @property
    def reason(self) -> str:
        """One sentence why it was refused; empty where it was not."""
        return "" if self.accepted else REASONS[self.kind]


@dataclass(frozen=True, eq=False)
class InputCheck:
    """Multinomial logistic regression on n features. weights: (n, kinds); centre, spread: (n,); shift: (kinds,).

    kinds: one a column; several may share a name, such as the ways to rotate an image. threshold: probability of FRONTAL
    below which an input is refused.
    """

    kinds: tuple[str, ...]
    weights: NDArray[np.float64]
    shift: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    threshold: float

    def probabilities(self, measures: NDArray[np.float32]) -> dict[str, float]:
        """Kind -> probability, for the (n,) features of one input."""
        scores = (measures - self.centre) / self.spread @ self.weights + self.shift
        found: dict[str, float] = dict.fromkeys((FRONTAL, *REASONS), 0.0)
        for kind, share in zip(self.kinds, softmax(scores), strict=True):
            found[kind] += float(share)
        return found

    def rule(self, measures: NDArray[np.float32]) -> InputCheckResult:
        """The result for the (n,) features of one input."""
        found = self.probabilities(measures)
        frontal = found[FRONTAL]
        if frontal >= self.threshold:
            return InputCheckResult(True, frontal, FRONTAL)
        return InputCheckResult(False, frontal, max(REASONS, key=lambda kind: found[kind]))


@lru_cache(maxsize=1)
def shipped_input_check() -> InputCheck:
    """The input check that ships beside the models."""
    return read_input_check(NUMBERS)


@lru_cache(maxsize=1)
def input_check_card() -> dict[str, Any]:
    """The card that `build input-check` wrote, with scores on test images and on negatives."""
    return dict(json.loads(CARD.read_text("utf-8")))


def read_input_check(path: Path) -> InputCheck:
    """Read what `build.fit_input_check.write_input_check` wrote."""
    stored = read_arrays(path)
    kinds, threshold = map(str, stored.pop("kinds")), float(stored.pop("threshold"))
    return InputCheck(tuple(kinds), threshold=threshold, **stored)


def require_frontal(image: XrayImage, outputs: LungOutputs, *, force: bool) -> InputCheckResult:
    """As `check_image`. Raises ImageError for a refused image unless `force`."""
    input_check = check_image(image, outputs)
    if not input_check.accepted and not force:
        raise ImageError(f"{input_check.reason} Use --force (force=True in Python) to continue, without a verdict.")
    return input_check


def check_image(image: XrayImage, outputs: LungOutputs) -> InputCheckResult:
    """Is this image a frontal chest X-ray? outputs: of the lung network for it. A lateral view in the file decides."""
    if image.view == "LATERAL":
        return InputCheckResult(False, 0.0, "lateral")
    return shipped_input_check().rule(measure(outputs))
