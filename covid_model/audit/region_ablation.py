"""The same image without its lungs, with nothing else, with its edge alone: is the model as sure as before?"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.audit.score import TrustInput, TrustScore, outcome
from covid_model.images.lung_region import grown
from covid_model.models.predict import predict

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

BORDER: Final = 0.1
CORNER: Final = 0.2
CENTRE: Final = 0.7
GROW: Final = 0.02
KEPT: Final = 0.5
"""A model that keeps more than this share of its confidence without the lungs fails."""


def lungs_removed(pixels: Array, lungs: Mask) -> Array:
    """Lungs, a little grown, filled with the image's middle tone. All take pixels and lungs (H, W), give pixels (H, W)."""
    wide = grown(lungs, round(GROW * max(lungs.shape)))
    outside = pixels[~wide]
    tone = np.float32(np.median(outside)) if outside.size else np.float32(0.5)
    return np.where(wide, tone, pixels)


def lungs_only(pixels: Array, lungs: Mask) -> Array:
    """Everything but the lungs black."""
    return np.where(lungs, pixels, np.float32(0))


def border_only(pixels: Array, lungs: Mask) -> Array:
    """Everything but the outer tenth black."""
    inside = np.zeros(pixels.shape, bool)
    rows, cols = (round(BORDER * length) for length in pixels.shape)
    inside[rows:-rows, cols:-cols] = True
    return np.where(inside, np.float32(0), pixels)


def corners_only(pixels: Array, lungs: Mask) -> Array:
    """Everything but the four corners black: where markers stand."""
    corner = np.zeros(pixels.shape, bool)
    rows, cols = (round(CORNER * length) for length in pixels.shape)
    for vertical in (slice(None, rows), slice(-rows, None)):
        for across in (slice(None, cols), slice(-cols, None)):
            corner[vertical, across] = True
    return np.where(corner, pixels, np.float32(0))


def centre_black(pixels: Array, lungs: Mask) -> Array:
    """A black box over the middle (Maguolo & Nanni 2021): most of the lungs are gone."""
    box = np.zeros(pixels.shape, bool)
    rows, cols = (round((1 - CENTRE) / 2 * length) for length in pixels.shape)
    box[rows:-rows, cols:-cols] = True
    return np.where(box, np.float32(0), pixels)


def nothing(pixels: Array, lungs: Mask) -> Array:
    """The image's middle tone everywhere: what the model says when it knows nothing."""
    return np.full_like(pixels, np.median(pixels))


REGIONS: Final[dict[str, Callable[[Array, Mask], Array]]] = {
    "lungs removed": lungs_removed,
    "lungs only": lungs_only,
    "border only": border_only,
    "corners only": corners_only,
    "centre box black": centre_black,
    "nothing": nothing,
}


def region_ablation(inputs: TrustInput) -> TrustScore:
    """The model's probability on each altered image; decides by what is left of its confidence when the lungs are gone."""
    lungs = inputs.prediction.prepared.lungs
    found = {}
    for number, (name, altered) in enumerate(REGIONS.items()):
        image = inputs.image.altered(altered(inputs.image.pixels, lungs.mask))
        found[name] = predict(inputs.classifier, image, lungs).probabilities[inputs.explained_class]
        inputs.progress((number + 1) / len(REGIONS))
    before, without, blank = inputs.probability, found["lungs removed"], found["nothing"]
    details: dict[str, Any] = {"probabilities": {"as it is": before, **found}, "class": inputs.explained_class}
    still = "still " if without >= before / 2 else "only "
    told = (
        f"Without the lungs the model is {still}{without:.0%} sure of {inputs.explained_class} ({before:.0%} with them, "
        f"{blank:.0%} on an empty image)"
    )
    if not lungs.mask.any() or before <= blank + 0.1:
        sentence = f"{told}; it is hardly surer than on an empty image, so this decides nothing."
        return TrustScore("region_ablation", without, blank, "lower", "unclear", sentence, details)
    kept = (without - blank) / (before - blank)
    details["kept"] = kept
    return TrustScore("region_ablation", without, blank, "lower", outcome(kept <= KEPT), f"{told}.", details)
