"""Maps from the gradient at the input: one value a pixel of what the model receives.

All take a batch of one image (1, H, W, c) and return the raw (H, W) float32 map. `layer` is not used.
"""

import numpy as np

from covid_model.backends.base import CHUNK, Array, GradientBackend, Progress, silent
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.explain.target import Target


def saliency(
    backend: GradientBackend, batch: Array, target: Target, *, layer: str = "", seed: int = 0, progress: Progress = silent
) -> Array:
    """Saliency (Simonyan 2014, arXiv 1312.6034, sec. 3): max over channels of |dy / dx|."""
    return np.abs(backend.input_gradients(batch, target.row)[0][0]).max(axis=-1)


def smooth_grad(
    backend: GradientBackend,
    batch: Array,
    target: Target,
    *,
    layer: str = "",
    seed: int = 0,
    progress: Progress = silent,
    samples: int = 16,
    noise: float = 0.1,
) -> Array:
    """SmoothGrad (Smilkov 2017, arXiv 1706.03825, eq. 1) of the absolute gradient.

    The mean over `samples` noisy images; the noise's standard deviation is `noise` times the image's range of values.
    """
    rng = np.random.default_rng(seed)
    sigma = noise * (batch.max() - batch.min())
    total = np.zeros(batch.shape[1:], np.float64)
    for start in range(0, samples, CHUNK):
        count = min(CHUNK, samples - start)
        images = batch + sigma * rng.standard_normal((count, *batch.shape[1:])).astype(np.float32)
        total += np.abs(backend.input_gradients(images, target.row)[0]).sum(axis=0)
        progress((start + count) / samples)
    return (total / samples).max(axis=-1).astype(np.float32)


def input_x_gradient(
    backend: GradientBackend,
    batch: Array,
    target: Target,
    *,
    layer: str = "",
    seed: int = 0,
    progress: Progress = silent,
    baseline: str = "darkest",
) -> Array:
    """Input x Gradient (Shrikumar 2017, arXiv 1605.01713): (x - x') dy/dx, summed over channels, signed.

    x' is the baseline. The original has x' = 0, which for images scaled to [-1, 1] would be an arbitrary grey.
    """
    change = batch[0] - BASELINE_INPUTS[baseline](batch[0])
    return (change * backend.input_gradients(batch, target.row)[0][0]).sum(axis=-1)


def integrated_gradients(
    backend: GradientBackend,
    batch: Array,
    target: Target,
    *,
    layer: str = "",
    seed: int = 0,
    progress: Progress = silent,
    steps: int = 32,
    baseline: str = "darkest",
) -> Array:
    """Integrated Gradients (Sundararajan 2017, arXiv 1703.01365, eq. 1): signed, summed over channels.

    (x - x') times the mean gradient on the straight way from the baseline x' to the image x, by the midpoint rule.
    """
    start = BASELINE_INPUTS[baseline](batch[0])
    change = batch[0] - start
    ways = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    total = np.zeros(change.shape, np.float64)
    for first in range(0, steps, CHUNK):
        part = ways[first : first + CHUNK]
        images = start + part[:, None, None, None] * change
        total += backend.input_gradients(images, target.row)[0].sum(axis=0, dtype=np.float64)
        progress((first + len(part)) / steps)
    return (change * total / steps).sum(axis=-1).astype(np.float32)


def completeness_error(
    backend: GradientBackend, batch: Array, target: Target, found: Array, *, baseline: str = "darkest", **_: object
) -> dict[str, float]:
    """How far Integrated Gradients misses its axiom (Sundararajan 2017, sec. 3): the map should sum to y(x) - y(x').

    Returns {"completeness_error": |sum - difference| / |difference|}; more steps make it smaller.
    """
    ends = np.stack([batch[0], BASELINE_INPUTS[baseline](batch[0])])
    after, before = backend.input_gradients(ends, target.row)[1]
    difference = float(after) - float(before)
    return {"completeness_error": abs(float(found.sum(dtype=np.float64)) - difference) / max(abs(difference), 1e-6)}
