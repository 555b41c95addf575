"""Does the heatmap stay the same under small changes of the image that keep the prediction?"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.models.predict import predict
from covid_model.trust.figures import Bars, Figure
from covid_model.trust.maps import SIDE, change
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register

Array = NDArray[np.float32]

NOISE: Final = 0.01
BRIGHTER: Final = 0.02
ALLOWED: Final = 0.5
"""A small change of the image may change the heatmap by up to this share of the change between unrelated images."""

Alteration = Callable[[Array, np.random.Generator], Array]


def _noise(pixels: Array, rng: np.random.Generator) -> Array:
    return np.clip(pixels + rng.normal(0, NOISE, pixels.shape), 0, 1).astype(np.float32)


def _brightness(by: float) -> Alteration:
    return lambda pixels, _: np.clip(pixels + np.float32(by), 0, 1)


def _shift(rows: int, cols: int) -> Alteration:
    """Moved by about one pixel of the model's input; the edge is repeated."""

    def moved(pixels: Array, _: np.random.Generator) -> Array:
        step = max(1, round(max(pixels.shape) / 224))
        padded = np.pad(pixels, step, mode="edge")
        top, left = step * (1 + rows), step * (1 + cols)
        return padded[top : top + pixels.shape[0], left : left + pixels.shape[1]]

    return moved


ALTERATIONS: Final[dict[str, Alteration]] = {
    "a little noise": _noise,
    "a little brighter": _brightness(BRIGHTER),
    "one pixel up": _shift(1, 0),
    "one pixel to the left": _shift(0, 1),
    "a little darker": _brightness(-BRIGHTER),
    "other noise": _noise,
}
"""In this order; slow methods get the first three. A shift of one pixel is finer than the maps that are compared."""


@register
class Stability(TrustTest):
    """The largest change of the map among alterations that keep the predicted class (max-sensitivity, Yeh 2019)."""

    key = "stability"
    question = "Is it stable?"
    how = (
        "The heatmap is computed again under small noise, brightness and shifts that keep the prediction. Its largest "
        "change must not exceed half of the change between unrelated images."
    )
    paper = "Yeh 2019, arXiv 1901.09392"
    better = "lower"
    decides = True
    required = True
    cost = 0.5

    def run(self, inputs: TrustInput) -> TrustScore:
        rng = np.random.default_rng(inputs.seed)
        names = list(ALTERATIONS)[: 3 if inputs.method.slow else None]
        original, changes, flipped = inputs.small_map, {}, []
        for number, name in enumerate(names):
            altered = inputs.image.altered(ALTERATIONS[name](inputs.image.pixels, rng))
            prediction = predict(inputs.classifier, altered, inputs.prediction.prepared.lungs)
            if set(prediction.called) != set(inputs.prediction.called):
                flipped.append(name)
            else:
                again = inputs.map_again(prediction, progress=inputs.part(number, len(names)))
                changes[name] = change(original, again)
            inputs.progress((number + 1) / len(names))
        details = {"changes": changes, "flipped": flipped, "side": SIDE}
        if not changes:
            sentence = "Every small change of the image changed the predicted class: there is no stable heatmap to judge."
            return self.score(None, sentence, passed=False, details=details)
        worst = max(changes, key=changes.__getitem__)
        value = changes[worst]
        largest = f"at most by {value:.2f} ({worst})"
        pairs = inputs.known_of_method.get("pairs")
        if not pairs:
            sentence = f"This test has no pass line for this model: small changes of the image change the heatmap {largest}."
            return self.score(value, sentence, details=details)
        chance = float(pairs["change"])
        passed = value <= ALLOWED * chance
        sentence = (
            f"Small changes of the image {'hardly change it' if passed else 'change it too much'}: {largest}, where "
            f"{ALLOWED * chance:.2f} is allowed, half of the change between unrelated images."
        )
        return self.score(value, sentence, chance=chance, passed=passed, details=details)

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        line = None if score.chance is None else ALLOWED * score.chance
        return (Bars(score.details["changes"], line=line, number_format=".2f"),)
