"""Maps from hiding parts of the image and watching the answer: no gradients, many forward passes.

All take a batch of one image (1, H, W, c) and return a raw float32 map.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from covid_model.backends.base import CHUNK, Array, GradientBackend, Progress, run_in_chunks, silent
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.explain.target import Target

EPSILON = 1e-7


def score_cam(
    backend: GradientBackend,
    batch: Array,
    target: Target,
    *,
    layer: str,
    seed: int = 0,
    progress: Progress = silent,
    channels: int = 32,
) -> Array:
    """Score-CAM (Wang 2020, arXiv 1910.01279, algorithm 1): ReLU(sum_k p_k A_k), at layer size (h, w).

    p_k is the target's probability for the image multiplied by channel k's activation, enlarged and scaled to [0, 1]. Of all
    channels the `channels` of largest standard deviation are taken, as in Faster-Score-CAM; 0 takes all.
    The probability fits the head: softmax for several units, sigmoid for one, so a one-unit model's negative class has a map
    as well (tf-keras-vis applies softmax to one unit, which is always 1: its issue 78).
    """
    activations = backend.layer_state(batch, target.row, layer).activations[0]
    if 0 < channels < activations.shape[-1]:
        spread = activations.std(axis=(0, 1))
        activations = activations[..., np.argsort(-spread, kind="stable")[:channels]]
    height, width = batch.shape[1:3]
    factors = (height / activations.shape[0], width / activations.shape[1])
    weights: list[float] = []
    for start in range(0, activations.shape[-1], CHUNK):
        part = activations[..., start : start + CHUNK]
        masks = np.moveaxis(zoom(part, (*factors, 1), order=1, mode="nearest"), -1, 0)
        low, high = masks.min(axis=(1, 2), keepdims=True), masks.max(axis=(1, 2), keepdims=True)
        images = batch * ((masks - low) / (high - low + EPSILON))[..., None]
        weights += target_probability(run_in_chunks(backend, images.astype(np.float32)), target).tolist()
        progress(min(1.0, (start + CHUNK) / activations.shape[-1]))
    return np.maximum(activations @ np.array(weights, np.float32), 0)


def target_probability(logits: Array, target: Target) -> NDArray[np.float64]:
    """The target's probability (b,) from logits (b, units), not calibrated; for a difference of classes, the difference."""
    values = logits.astype(np.float64)
    if values.shape[1] == 1:
        return 1 / (1 + np.exp(-values[:, 0] * target.weights[0]))
    shares = np.exp(values - values.max(axis=1, keepdims=True))
    return (shares / shares.sum(axis=1, keepdims=True)) @ np.array(target.weights)


def occlusion(
    backend: GradientBackend,
    batch: Array,
    target: Target,
    *,
    layer: str = "",
    seed: int = 0,
    progress: Progress = silent,
    patch: float = 0.15,
    overlap: float = 0.5,
    baseline: str = "blurred",
) -> Array:
    """Occlusion (Zeiler & Fergus 2014, arXiv 1311.2901, sec. 4.2): how far y falls where a square is hidden, signed.

    patch: the square's side as a share of the image's shorter one. overlap: of neighbouring squares. Each pixel (H, W) gets
    the mean over the squares that cover it.
    """
    image, fill = batch[0], BASELINE_INPUTS[baseline](batch[0])
    side = max(1, round(patch * min(image.shape[:2])))
    corners = [
        (top, left)
        for top in _starts(image.shape[0], side, max(1, round(side * (1 - overlap))))
        for left in _starts(image.shape[1], side, max(1, round(side * (1 - overlap))))
    ]
    whole = float(run_in_chunks(backend, batch)[0] @ target.row)
    total, covered = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
    for start in range(0, len(corners), CHUNK):
        part = corners[start : start + CHUNK]
        images = np.repeat(batch, len(part), axis=0)
        for copy, (top, left) in zip(images, part, strict=True):
            copy[top : top + side, left : left + side] = fill[top : top + side, left : left + side]
        falls = whole - run_in_chunks(backend, images) @ target.row
        for fall, (top, left) in zip(falls, part, strict=True):
            total[top : top + side, left : left + side] += fall
            covered[top : top + side, left : left + side] += 1
        progress((start + len(part)) / len(corners))
    return (total / covered).astype(np.float32)


def _starts(length: int, side: int, stride: int) -> list[int]:
    """Where squares of `side` begin so that they cover all of `length`, the last one flush with the end."""
    return sorted({*range(0, length - side, stride), length - side})


def rise(
    backend: GradientBackend,
    batch: Array,
    target: Target,
    *,
    layer: str = "",
    seed: int = 0,
    progress: Progress = silent,
    masks: int = 500,
    cells: int = 7,
    keep: float = 0.5,
    baseline: str = "blurred",
) -> Array:
    """RISE (Petsiuk 2018, arXiv 1806.07421, eq. 6) about its mean: E[y | pixel kept] - E[y], (H, W), signed.

    Random coarse masks of `cells` x `cells`, each cell kept with probability `keep`, enlarged smoothly and shifted by
    chance; what is hidden shows the baseline. The original uses the probability, fills with black and keeps the
    mean, a constant that hides how weak a map is.
    """
    image, fill = batch[0], BASELINE_INPUTS[baseline](batch[0])
    weighted, kept, scores = np.zeros(image.shape[:2]), np.zeros(image.shape[:2]), 0.0
    done = 0
    for part in _rise_masks(image.shape[:2], masks, cells, keep, seed):
        images = fill + part[..., None] * (image - fill)
        values = (run_in_chunks(backend, images.astype(np.float32)) @ target.row).astype(np.float64)
        weighted += np.tensordot(values, part, axes=1)
        kept += part.sum(axis=0)
        scores += values.sum()
        done += len(part)
        progress(done / masks)
    return (weighted / np.maximum(kept, EPSILON) - scores / masks).astype(np.float32)


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
