"""Does the score fall when the places that the heatmap marks are hidden? Deletion and insertion against random maps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Progress, run_in_chunks, silent
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.explain.target import target_probability
from covid_model.trust.figures import Curves, Figure
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register

Array = NDArray[np.float32]

STEPS: Final = 10
RANDOM_MAPS: Final = {"random": 4, "blurred random": 10}
"""How many random maps to compare with: single pixels, whose scores hardly differ, and smooth blobs."""
IMPUTATION: Final = "blurred"
GRAIN: Final = 7
"""Cells along one side of a smooth random map: as coarse as a class activation map, since smooth maps are favoured."""


def states(image: Array, fill: Array, order: NDArray[np.intp], steps: int, *, insert: bool) -> Array:
    """The images while pixels are replaced in `order`, from none to all in `steps` equal parts: (steps + 1, H, W, c).

    image, fill: (H, W, c). Deletion starts from the image and hides; insertion starts from the fill and shows
    (Petsiuk 2018, arXiv 1806.07421, sec. 3.2). order: flat pixel numbers, first to change first.
    """
    start, end = (fill, image) if insert else (image, fill)
    height, width, channels = image.shape
    changed = np.empty((steps + 1, height * width, channels), np.float32)
    changed[0] = start.reshape(-1, channels)
    ends = [round(step / steps * order.size) for step in range(steps + 1)]
    for step, (first, last) in enumerate(pairwise(ends), start=1):
        places = order[first:last]
        changed[step] = changed[step - 1]
        changed[step, places] = end.reshape(-1, channels)[places]
    return changed.reshape(-1, height, width, channels)


def area(values: list[float]) -> float:
    """Area under a curve over [0, 1], by trapezoids; values: evenly spaced, two or more.

    >>> area([1.0, 0.5, 0.0])
    0.5
    """
    return float(np.trapezoid(values, dx=1 / (len(values) - 1)))


def order_of(layer_map: Array, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.intp]:
    """Flat pixel numbers, (H * W,), by falling value of a map (h, w) enlarged to `shape` (H, W); ties in random order."""
    enlarged = cv2.resize(layer_map, shape[::-1], interpolation=cv2.INTER_LINEAR).ravel()
    return np.lexsort((rng.random(enlarged.size), -enlarged))


def random_orders(shape: tuple[int, int], rng: np.random.Generator) -> dict[str, list[NDArray[np.intp]]]:
    """The orders in which RANDOM_MAPS replace pixels."""
    pixels, blobs = RANDOM_MAPS["random"], RANDOM_MAPS["blurred random"]
    return {
        "random": [rng.permutation(shape[0] * shape[1]) for _ in range(pixels)],
        "blurred random": [order_of(rng.random((GRAIN, GRAIN)).astype(np.float32), shape, rng) for _ in range(blobs)],
    }


@dataclass(frozen=True)
class ScoreCurves:
    """The target's probability as pixels are hidden (deletion) and shown (insertion): STEPS + 1 values each."""

    deletion: list[float]
    insertion: list[float]

    @property
    def gap(self) -> float:
        """Insertion area less deletion area."""
        return area(self.insertion) - area(self.deletion)


def score_curves(inputs: TrustInput, orders: Sequence[NDArray[np.intp]]) -> Iterator[ScoreCurves]:
    """The curves of each order. Image and fill, where all curves begin and end, are run once."""
    image = inputs.prediction.prepared.batch[0]
    fill = BASELINE_INPUTS[IMPUTATION](image)

    def score(images: Array, progress: Progress = silent) -> list[float]:
        logits = run_in_chunks(inputs.classifier.forward, images, progress=progress)
        return [float(value) for value in target_probability(logits, inputs.target)]

    whole, hidden = score(np.stack([image, fill]))
    for number, order in enumerate(orders):
        between = [states(image, fill, order, STEPS, insert=insert)[1:-1] for insert in (False, True)]
        found = score(np.concatenate(between), inputs.part(number, len(orders)))
        half = len(found) // 2
        yield ScoreCurves([whole, *found[:half], hidden], [hidden, *found[half:], whole])


@register
class Faithfulness(TrustTest):
    """The gap between insertion and deletion area, against random maps.

    It informs and does not decide: in the trust benchmark it failed more heatmaps of models without a shortcut than of
    models with one, on both halves (docs/trust-benchmark.md).
    """

    key = "faithfulness"
    question = "Does the score follow it?"
    how = (
        "Pixels are hidden (blurred) or shown in the heatmap's order; the gap between the areas under the two curves "
        "counts. It must exceed 95% of random maps, single pixels and blobs as coarse as the heatmap."
    )
    paper = "Petsiuk 2018, arXiv 1806.07421"
    cost = 3.0

    def run(self, inputs: TrustInput) -> TrustScore:
        shape = inputs.prediction.prepared.batch.shape[1:3]
        rng = np.random.default_rng(inputs.seed)
        own = order_of(inputs.explanation.layer_map, shape, rng)
        random = random_orders(shape, rng)
        found = score_curves(inputs, [own, *(order for orders in random.values() for order in orders)])
        curves = next(found)
        controls = {name: [next(found).gap for _ in orders] for name, orders in random.items()}
        intervals = {name: _interval(gaps) for name, gaps in controls.items()}
        line = max(high for _, high in intervals.values())
        chance = float(np.mean(controls["blurred random"]))
        passed = curves.gap > line
        sentence = (
            f"The marked places matter {'more' if passed else 'no more'} to the score than random places: it averages "
            f"{area(curves.insertion):.2f} when they are shown first and {area(curves.deletion):.2f} when they are hidden "
            f"first, a gap of {curves.gap:+.2f} (random blobs {chance:+.2f}, pass line {line:+.2f})."
        )
        details = {
            "deletion": curves.deletion,
            "insertion": curves.insertion,
            "controls": controls,
            "intervals": intervals,
            "line": line,
            "imputation": IMPUTATION,
        }
        return self.score(curves.gap, sentence, chance=chance, passed=passed, details=details)

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        lines = {"shown first": score.details["insertion"], "hidden first": score.details["deletion"]}
        steps = [f"{step / STEPS:.0%}" for step in range(STEPS + 1)]
        return (Curves(steps, lines, "share of the image changed", "probability, uncalibrated"),)


def _interval(gaps: list[float]) -> tuple[float, float]:
    """Mean and 1.96 standard deviations either way: 95% of such maps are in this range if their gaps are normal."""
    spread = 1.96 * float(np.std(gaps, ddof=1))
    return float(np.mean(gaps)) - spread, float(np.mean(gaps)) + spread
