"""Does the heatmap hold still under changes of the image that change nothing?"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.audit.maps import SIDE, change
from covid_model.audit.score import TrustInput, TrustScore, outcome
from covid_model.explain.methods import SLOW
from covid_model.models.predict import predict

Array = NDArray[np.float32]

NOISE: Final = 0.01
BRIGHTER: Final = 0.02

Alteration = Callable[[Array, np.random.Generator], Array]


def _noise(pixels: Array, rng: np.random.Generator) -> Array:
    return np.clip(pixels + rng.normal(0, NOISE, pixels.shape), 0, 1).astype(np.float32)


def _brightness(by: float) -> Alteration:
    return lambda pixels, _: np.clip(pixels + np.float32(by), 0, 1)


def _shift(rows: int, cols: int) -> Alteration:
    """Moved by one pixel of what the model receives; the edge is repeated."""

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
"""In this order; slow methods are tried on the first three. One pixel is below the size at which maps are compared."""


def stability(inputs: TrustInput) -> TrustScore:
    """The largest change of the map among alterations that keep the predicted class (max-sensitivity, Yeh 2019)."""
    rng = np.random.default_rng(inputs.seed)
    names = list(ALTERATIONS)[: 3 if inputs.method.cost > SLOW else None]
    original, changes, flipped = inputs.small_map, {}, []
    for number, name in enumerate(names):
        altered = inputs.image.altered(ALTERATIONS[name](inputs.image.pixels, rng))
        prediction = predict(inputs.classifier, altered, inputs.prediction.prepared.lungs)
        if prediction.predicted != inputs.prediction.predicted:
            flipped.append(name)
        else:
            changes[name] = change(original, inputs.map_again(prediction))
        inputs.progress((number + 1) / len(names))
    details = {"changes": changes, "flipped": flipped, "side": SIDE}
    if not changes:
        sentence = "Every small change of the image changed the predicted class, so there is no stable answer to explain."
        return TrustScore("stability", None, None, "lower", "failed", sentence, details)
    worst = max(changes, key=changes.__getitem__)
    value = changes[worst]
    pairs = inputs.known_of_method.get("pairs")
    line = float(pairs["change"]) / 2 if pairs else None
    told = f"Under small changes of the image the heatmap moves by at most {value:.2f} ({worst})"
    if line is None:
        return TrustScore("stability", value, None, "lower", "unclear", f"{told}; no line was measured.", details)
    sentence = f"{told}; between unrelated images it moves by {2 * line:.2f}, and half of that is allowed."
    return TrustScore("stability", value, 2 * line, "lower", outcome(value <= line), sentence, details)
