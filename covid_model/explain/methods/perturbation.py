"""Maps from the change of the score when parts of the image are hidden: no gradients, many forward passes."""

from collections.abc import Iterator
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import CHUNK, Array, run_in_chunks
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.explain.methods.registry import OFF_IMAGE, PERTURBATION, Method, MethodInput, register
from covid_model.explain.options import Option, baseline_option


@register
class Occlusion(Method):
    """Occlusion (sec. 4.2): how far y falls where a square is hidden, signed.

    Each pixel (H, W) gets the mean over the squares that cover it.
    """

    key = "occlusion"
    label = "Occlusion"
    family = PERTURBATION
    paper = "Zeiler & Fergus 2014, arXiv 1311.2901"
    signed = True
    slow = True
    shows = "Hiding a red area lowers the score of the chosen class; hiding a blue area raises it."
    limits = f"It can miss evidence that is in two places, because either one is enough for the model. {OFF_IMAGE}"
    options = (
        Option("patch", "Patch size", 0.15, "Side of the hidden square, as a share of the image's.", 0.02, 0.5, 0.01),
        Option("overlap", "Overlap", 0.5, "Of neighbouring squares; more is finer and slower.", 0.0, 0.9, 0.05),
        baseline_option("blurred"),
    )

    def heatmap(self, inputs: MethodInput, *, patch: float, overlap: float, baseline: str) -> Array:
        """As `Method.heatmap`, (H, W). patch: the square's side as a share of the image's shorter one."""
        forward, batch, row = inputs.model.forward, inputs.batch, inputs.target.row
        image, fill = batch[0], BASELINE_INPUTS[baseline](batch[0])
        side = max(1, round(patch * min(image.shape[:2])))
        stride = max(1, round(side * (1 - overlap)))
        tops, lefts = (_starts(length, side, stride) for length in image.shape[:2])
        corners = list(product(tops, lefts))
        whole = float(run_in_chunks(forward, batch)[0] @ row)
        total, covered = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
        for start in range(0, len(corners), CHUNK):
            part = corners[start : start + CHUNK]
            images = np.repeat(batch, len(part), axis=0)
            for copy, (top, left) in zip(images, part, strict=True):
                copy[top : top + side, left : left + side] = fill[top : top + side, left : left + side]
            falls = whole - run_in_chunks(forward, images) @ row
            for fall, (top, left) in zip(falls, part, strict=True):
                total[top : top + side, left : left + side] += fall
                covered[top : top + side, left : left + side] += 1
            inputs.progress((start + len(part)) / len(corners))
        return (total / covered).astype(np.float32)


def _starts(length: int, side: int, stride: int) -> list[int]:
    """Where squares of `side` begin so that they cover all of `length`; the last one ends with it.

    >>> _starts(10, 4, 4)
    [0, 4, 6]
    """
    return sorted({*range(0, length - side, stride), length - side})


@register
class Rise(Method):
    """RISE (eq. 6) less its mean: E[y | pixel visible] - E[y], (H, W), signed.

    Random coarse masks of `cells` x `cells`, each cell visible with probability `keep`, enlarged bilinearly and shifted at
    random; hidden pixels show the baseline. The original uses the probability instead of the logit, fills with black, and
    does not subtract the mean, a constant that hides how weak a map is.
    """

    key = "rise"
    label = "RISE"
    family = PERTURBATION
    paper = "Petsiuk 2018, arXiv 1806.07421"
    signed = True
    slow = True
    shows = "Over many random masks, the score was higher when red areas were visible and lower when blue areas were."
    limits = f"The map is an average over random masks; its noise falls slowly with more of them. {OFF_IMAGE}"
    options = (
        Option("masks", "Masks", 500, "More random masks give a smoother map.", 50, 5000, 50),
        Option("cells", "Cells", 7, "Along one side of a random mask; more are finer and need more masks.", 3, 16, 1),
        Option("keep", "Visible share", 0.5, "How much of the image a mask leaves visible on average.", 0.1, 0.9, 0.05),
        baseline_option("blurred"),
    )

    def heatmap(self, inputs: MethodInput, *, masks: int, cells: int, keep: float, baseline: str) -> Array:
        """As `Method.heatmap`, (H, W)."""
        forward, image = inputs.model.forward, inputs.batch[0]
        shape, fill = image.shape[:2], BASELINE_INPUTS[baseline](image)
        weighted, kept, scores, done = np.zeros(shape), np.zeros(shape), 0.0, 0
        for part in _rise_masks(shape, masks, cells, keep, inputs.seed):
            images = fill + part[..., None] * (image - fill)
            logits = run_in_chunks(forward, images.astype(np.float32))
            values = (logits @ inputs.target.row).astype(np.float64)
            weighted += np.tensordot(values, part, axes=1)
            kept += part.sum(axis=0)
            scores += values.sum()
            done += len(part)
            inputs.progress(done / masks)
        return (weighted / np.maximum(kept, 1e-7) - scores / masks).astype(np.float32)


def _rise_masks(shape: tuple[int, int], count: int, cells: int, keep: float, seed: int) -> Iterator[NDArray[np.float32]]:
    """`count` masks in [0, 1], (CHUNK, H, W) at a time."""
    rng = np.random.default_rng(seed)
    cell = (-(-shape[0] // cells), -(-shape[1] // cells))
    large = ((cells + 1) * cell[1], (cells + 1) * cell[0])
    for start in range(0, count, CHUNK):
        part = np.empty((min(CHUNK, count - start), *shape), np.float32)
        for mask in part:
            coarse = (rng.random((cells + 1, cells + 1)) < keep).astype(np.float32)
            top, left = rng.integers(0, cell[0] + 1), rng.integers(0, cell[1] + 1)
            wide = cv2.resize(coarse, large, interpolation=cv2.INTER_LINEAR)
            mask[:] = wide[top : top + shape[0], left : left + shape[1]]
        yield part
