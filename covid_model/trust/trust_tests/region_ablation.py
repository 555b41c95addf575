"""Is the model as sure of the image without the lungs, or of the border alone, as of the whole image?"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.images.lung_region import grown
from covid_model.trust.figures import Bars, Figure, Images, small_picture
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

BORDER: Final = 0.1
CORNER: Final = 0.2
CENTRE: Final = 0.7
GROW: Final = 0.02
KEPT: Final = 0.5
"""A model that keeps more than this share of its confidence without the lungs fails."""
LEAST_CONFIDENCE: Final = 0.1
"""Below this margin over an empty image the model has no confidence that it could lose."""


def lungs_removed(pixels: Array, lungs: Mask) -> Array:
    """The lungs, slightly dilated, filled with the median. All alterations take pixels and lungs (H, W), return (H, W)."""
    wide = grown(lungs, round(GROW * max(lungs.shape)))
    outside = pixels[~wide]
    tone = np.float32(np.median(outside)) if outside.size else np.float32(0.5)
    return np.where(wide, tone, pixels)


def lungs_only(pixels: Array, lungs: Mask) -> Array:
    """Black outside the lungs."""
    return np.where(lungs, pixels, np.float32(0))


def border_only(pixels: Array, lungs: Mask) -> Array:
    """Black except for the outer tenth."""
    inside = np.zeros(pixels.shape, bool)
    rows, cols = (round(BORDER * length) for length in pixels.shape)
    inside[rows:-rows, cols:-cols] = True
    return np.where(inside, np.float32(0), pixels)


def corners_only(pixels: Array, lungs: Mask) -> Array:
    """Black except for the four corners, where markers are."""
    corner = np.zeros(pixels.shape, bool)
    rows, cols = (round(CORNER * length) for length in pixels.shape)
    for vertical in (slice(None, rows), slice(-rows, None)):
        for across in (slice(None, cols), slice(-cols, None)):
            corner[vertical, across] = True
    return np.where(corner, pixels, np.float32(0))


def centre_black(pixels: Array, lungs: Mask) -> Array:
    """A black box over the middle (Maguolo & Nanni 2021), which hides most of the lungs."""
    box = np.zeros(pixels.shape, bool)
    rows, cols = (round((1 - CENTRE) / 2 * length) for length in pixels.shape)
    box[rows:-rows, cols:-cols] = True
    return np.where(box, np.float32(0), pixels)


def nothing(pixels: Array, lungs: Mask) -> Array:
    """The median everywhere: an empty image."""
    return np.full_like(pixels, np.median(pixels))


REGIONS: Final[dict[str, Callable[[Array, Mask], Array]]] = {
    "lungs removed": lungs_removed,
    "lungs only": lungs_only,
    "border only": border_only,
    "corners only": corners_only,
    "centre box black": centre_black,
    "nothing": nothing,
}


@register
class RegionAblation(TrustTest):
    """The model's probability on each altered image, and what is left of its confidence without the lungs.

    It accuses no heatmap (docs/trust-benchmark.md, "A second set of models"). But a heatmap of an answer that needs no
    lungs is not supported either, and one of an answer that needs no image says so.
    """

    key = "region_ablation"
    question = "Does the model need the lungs?"
    how = (
        "The model's probability for the same image with lungs removed, lungs only, border only, corners only and a black "
        "box over the centre. Where it keeps more than half of its margin over an empty image without the lungs, the "
        "verdict is withheld."
    )
    paper = "Maguolo & Nanni 2021, arXiv 2004.12823"
    better = "lower"
    qualifies = True
    cost = 0.3

    def run(self, inputs: TrustInput) -> TrustScore:
        classifier, lungs = inputs.classifier, inputs.prediction.prepared.lungs
        batch = []
        for alter in REGIONS.values():
            batch.append(classifier.prepare(inputs.image.altered(alter(inputs.image.pixels, lungs.mask)), lungs).batch)
            inputs.progress(len(batch) / (len(REGIONS) + 1))
        column = classifier.card.classes.index(inputs.explained_class)
        probabilities = classifier.probabilities(classifier.logits(np.concatenate(batch)))[:, column]
        inputs.progress(1.0)
        found = dict(zip(REGIONS, map(float, probabilities), strict=True))
        before, without, blank = inputs.probability, found["lungs removed"], found["nothing"]
        details: dict[str, Any] = {"probabilities": {"as it is": before, **found}, "class": inputs.explained_class}
        numbers = (
            f"it gives {inputs.explained_class} {without:.0%} without the lungs, {before:.0%} with them and {blank:.0%} on "
            "an empty image."
        )
        if not lungs.mask.any():
            sentence = f"No lungs were found that could be taken away: {numbers}"
            return self.score(without, sentence, chance=blank, details=details)
        if before <= blank + LEAST_CONFIDENCE:
            finding = f"On an empty image the model is as sure of {inputs.explained_class}"
            caveat = f"But {finding[0].lower()}{finding[1:]}."
            return self.score(without, f"{finding}: {numbers}", chance=blank, passed=False, details=details, caveat=caveat)
        details["kept"] = (without - blank) / (before - blank)
        passed = details["kept"] <= KEPT
        lost = f"loses {min(1.0, 1 - details['kept']):.0%}" if passed else "keeps most"
        finding = f"Without the lungs the model {lost} of its certainty"
        mark = inputs.prediction.marks.get(inputs.explained_class)
        if passed and mark is not None and without >= mark:
            numbers += f" So {inputs.explained_class} would still be called."
        return self.score(without, f"{finding}: {numbers}", chance=blank, passed=passed, details=details, doubt=not passed)

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        known, lungs = score.details["probabilities"], inputs.prediction.prepared.lungs.mask
        pictures = {
            f"{name}: {known[name]:.0%}": small_picture(alter(inputs.image.pixels, lungs))
            for name, alter in REGIONS.items()
            if name != "nothing"
        }
        return Images("The same image with", pictures), Bars(known, "as it is")
