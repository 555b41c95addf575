"""Does the score fall when what the heatmap marks is hidden? Deletion and insertion curves against random maps."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.audit.score import TrustInput, TrustScore, outcome
from covid_model.backends.base import run_in_chunks
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.explain.perturbation import target_probability

Array = NDArray[np.float32]
Score = Callable[[Array], NDArray[np.float64]]

STEPS: Final = 10
RANDOM_MAPS: Final = {"random": 4, "blurred random": 10}
"""Maps that know nothing: single pixels at random, which all score alike, and smooth blobs at random."""
IMPUTATION: Final = "blurred"
GRAIN: Final = 7
"""Cells along one side of a smooth random map: as coarse as a class activation map, since smooth maps are favoured."""


def curve(image: Array, fill: Array, order: NDArray[np.intp], score: Score, steps: int, *, insert: bool) -> list[float]:
    """Scores as pixels change over in `order`, from none to all in `steps` equal parts: steps + 1 values.

    image, fill: (H, W, c). Deletion starts from the image and hides; insertion starts from the fill and shows
    (Petsiuk 2018, arXiv 1806.07421, sec. 3.2). order: flat pixel numbers, first to change first.
    """
    start, end = (fill, image) if insert else (image, fill)
    height, width, channels = image.shape
    states = np.empty((steps + 1, height * width, channels), np.float32)
    for step, state in enumerate(states):
        changed = order[: round(step / steps * order.size)]
        state[:] = start.reshape(-1, channels)
        state[changed] = end.reshape(-1, channels)[changed]
    return [float(value) for value in score(states.reshape(-1, height, width, channels))]


def area(values: list[float]) -> float:
    """Area under a curve over [0, 1], by trapezoids."""
    return float(np.trapezoid(values, dx=1 / (len(values) - 1)))


def order_of(layer_map: Array, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.intp]:
    """Pixel numbers from the highest value of a map, enlarged to `shape`, to the lowest; ties in random order."""
    enlarged = cv2.resize(layer_map, shape[::-1], interpolation=cv2.INTER_LINEAR).ravel()
    return np.lexsort((rng.random(enlarged.size), -enlarged))


def random_orders(shape: tuple[int, int], rng: np.random.Generator) -> dict[str, list[NDArray[np.intp]]]:
    """The orders in which RANDOM_MAPS change pixels."""
    pixels, blobs = RANDOM_MAPS["random"], RANDOM_MAPS["blurred random"]
    return {
        "random": [rng.permutation(shape[0] * shape[1]) for _ in range(pixels)],
        "blurred random": [order_of(rng.random((GRAIN, GRAIN)).astype(np.float32), shape, rng) for _ in range(blobs)],
    }


def deletion_insertion(inputs: TrustInput) -> TrustScore:
    """The gap between insertion and deletion area, against maps that know nothing."""
    image = inputs.prediction.prepared.batch[0]
    fill = BASELINE_INPUTS[IMPUTATION](image)
    rng = np.random.default_rng(inputs.seed)

    def score(images: Array) -> NDArray[np.float64]:
        return target_probability(run_in_chunks(inputs.classifier.backend, images), inputs.target)

    def both(order: NDArray[np.intp]) -> tuple[list[float], list[float]]:
        return tuple(curve(image, fill, order, score, STEPS, insert=insert) for insert in (False, True))  # type: ignore[return-value]

    def gap(curves: tuple[list[float], list[float]]) -> float:
        return area(curves[1]) - area(curves[0])

    deletion, insertion = both(order_of(inputs.explanation.layer_map, image.shape[:2], rng))
    value = gap((deletion, insertion))
    controls: dict[str, list[float]] = {}
    orders = random_orders(image.shape[:2], rng)
    for name, several in orders.items():
        controls[name] = []
        for order in several:
            controls[name].append(gap(both(order)))
            inputs.progress(sum(map(len, controls.values())) / sum(RANDOM_MAPS.values()))
    intervals = {name: _interval(gaps) for name, gaps in controls.items()}
    line = max(high for _, high in intervals.values())
    chance = float(np.mean(controls["blurred random"]))
    sentence = (
        f"Hiding what the heatmap marks first brings the score to a mean of {area(deletion):.2f}, showing it first "
        f"to {area(insertion):.2f}: a gap of {value:+.2f}, where random blobs give {chance:+.2f} and at most {line:+.2f}."
    )
    details = {
        "deletion": deletion,
        "insertion": insertion,
        "controls": controls,
        "intervals": intervals,
        "line": line,
        "imputation": IMPUTATION,
    }
    return TrustScore("faithfulness", value, chance, "higher", outcome(value > line), sentence, details)


def _interval(gaps: list[float]) -> tuple[float, float]:
    """Mean and 1.96 standard deviations either way: where 95 % of such maps lie, if they spread normally."""
    spread = 1.96 * float(np.std(gaps, ddof=1))
    return float(np.mean(gaps)) - spread, float(np.mean(gaps)) + spread
