"""Which images a reader sees, in which order, and which answers shown with them are wrong on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import DataError
from covid_model.images.lung_region import lung_box

WRONG_SHARE: Final = 1 / 3
"""Share of trials whose answer is wrong. Bernstein 2023 (Eur Radiol 33:8263) used 12 of 90 on chest radiographs; with the
few images of a short session, a third leaves several of each kind."""
FEWEST: Final = 6
"""Images a session needs at least."""

CONSENT: Final = (
    "You will see chest X-rays, and give each an answer and a region. Then you see the answer of a system with a heatmap, "
    "and answer again. **Some of the answers that you will be shown are wrong on purpose.** The study records your answers, "
    "how long they took, and a random code, and nothing else about you. You can stop at any time. It measures how people "
    "use heatmaps; it is no test of skill and no diagnosis."
)

ZONES: Final = ("upper left", "upper right", "middle left", "middle right", "lower left", "lower right")
"""Sixths of the lungs as they appear on the image, from top to bottom; left is the left of the image."""
NOWHERE: Final = "no single region"


@dataclass(frozen=True)
class StudyImage:
    """An image that may be shown: its key, and its true class."""

    key: str
    label: str


@dataclass(frozen=True)
class Trial:
    """One image of a session. shown: the class presented as the system's answer, explained by `method`."""

    number: int
    image: str
    truth: str
    shown: str
    method: str

    @property
    def right(self) -> bool:
        """Is the answer shown the true class?"""
        return self.shown == self.truth


def plan(
    images: Sequence[StudyImage], methods: Sequence[str], reader: str, count: int, wrong_share: float = WRONG_SHARE
) -> list[Trial]:
    """The trials of one reader: the same for the same code, another order and other wrong answers for another.

    Classes have equal numbers of images as far as `count` allows. In every class `wrong_share` of the answers is wrong,
    spread evenly over the other classes. Methods alternate within the right and within the wrong answers, so that each is
    met in both. Raises DataError for fewer than two classes, fewer than FEWEST images, or no method.

    >>> images = [StudyImage(f"{label}-{i}", label) for label in ("COVID-19", "Normal") for i in range(6)]
    >>> trials = plan(images, ["gradcam"], "a1b2", 12)
    >>> sum(not trial.right for trial in trials), trials == plan(images, ["gradcam"], "a1b2", 12)
    (4, True)
    """
    labels = sorted({image.label for image in images})
    if len(labels) < 2 or len(images) < FEWEST or not methods:
        raise DataError(
            f"A reader study needs a method and at least {FEWEST} images of two classes. Received: {len(methods)} methods, "
            f"{len(images)} images of {len(labels)} classes."
        )
    rng = np.random.default_rng(int.from_bytes(sha256(reader.encode()).digest()[:8], "big"))
    chosen: list[tuple[StudyImage, str]] = []
    for place, label in enumerate(labels):
        of_class = [image for image in images if image.label == label]
        share = count // len(labels) + (place < count % len(labels))
        picked = [of_class[i] for i in rng.permutation(len(of_class))[:share]]
        others = [other for other in labels if other != label]
        first = int(rng.integers(len(others)))
        wrong = round(wrong_share * len(picked))
        for number, image in enumerate(picked):
            chosen.append((image, others[(first + number) % len(others)] if number < wrong else label))
    met = {True: int(rng.integers(len(methods))), False: int(rng.integers(len(methods)))}
    trials = []
    for number, place in enumerate(rng.permutation(len(chosen)), 1):
        image, shown = chosen[place]
        right = shown == image.label
        trials.append(Trial(number, image.key, image.label, shown, methods[met[right] % len(methods)]))
        met[right] += 1
    return trials


def strongest_zone(heatmap: NDArray[np.float32], lungs: NDArray[np.bool_]) -> str:
    """The zone of ZONES with the most positive heatmap energy; NOWHERE without lungs or energy.

    heatmap, lungs: (H, W). The lungs' bounding box is divided in three rows and two columns.

    >>> heatmap, lungs = np.zeros((90, 80), np.float32), np.ones((90, 80), bool)
    >>> heatmap[70, 60] = 1
    >>> strongest_zone(heatmap, lungs)
    'lower right'
    """
    if not lungs.any():
        return NOWHERE
    box = lung_box(lungs, 0)
    inside = np.maximum(heatmap, 0)[box.top : box.bottom, box.left : box.right]
    energy = [cell.sum() for row in np.array_split(inside, 3, axis=0) for cell in np.array_split(row, 2, axis=1)]
    return ZONES[int(np.argmax(energy))] if max(energy) > 0 else NOWHERE
