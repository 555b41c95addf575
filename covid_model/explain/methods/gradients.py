"""Maps from the gradient at the input: one value for each pixel of the model's input, (H, W)."""

from typing import Final

import numpy as np

from covid_model.backends.base import CHUNK, LOGITS, Array, Engines
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.explain.methods.registry import GRADIENT, Method, MethodInput, register
from covid_model.explain.options import Option, baseline_option

PIXELS: Final = "Bright pixels are those where a tiny change in brightness would change the score of the chosen class most."
NOISY: Final = "Gradients are noisy and follow edges; read areas and not single pixels."
SENSITIVE: Final = "It shows what the score is sensitive to, which need not be what it is based on."


class InputGradient(Method):
    """A method that differentiates by the input."""

    family = GRADIENT

    def needs_gradients(self, model: Engines, layer: str) -> bool:
        """Always."""
        return True


@register
class Saliency(InputGradient):
    """Saliency (sec. 3): max over channels of |dy / dx|."""

    key = "saliency"
    label = "Saliency"
    paper = "Simonyan 2014, arXiv 1312.6034"
    shows = PIXELS
    limits = f"{NOISY} {SENSITIVE}"

    def heatmap(self, inputs: MethodInput) -> Array:
        """As `Method.heatmap`, (H, W)."""
        gradients, _ = inputs.model.gradients.input_gradients(inputs.batch, inputs.target.row)
        return np.abs(gradients[0]).max(axis=-1)


@register
class SmoothGrad(InputGradient):
    """SmoothGrad (eq. 1) of the absolute gradient: its mean over noisy copies of the image."""

    key = "smoothgrad"
    label = "SmoothGrad"
    paper = "Smilkov 2017, arXiv 1706.03825"
    shows = f"{PIXELS} The map is averaged over noisy copies of the image."
    limits = f"{NOISY} {SENSITIVE}"
    options = (
        Option("samples", "Noisy copies", 16, "More copies give a smoother map.", 2, 128, 2),
        Option("noise", "Noise", 0.1, "Standard deviation as a share of the image's range.", 0.01, 0.5, 0.01),
    )

    def heatmap(self, inputs: MethodInput, *, samples: int, noise: float) -> Array:
        """As `Method.heatmap`, (H, W). noise: standard deviation as a share of the image's range of values."""
        batch, rng = inputs.batch, np.random.default_rng(inputs.seed)
        sigma = noise * (batch.max() - batch.min())
        total = np.zeros(batch.shape[1:], np.float64)
        for start in range(0, samples, CHUNK):
            count = min(CHUNK, samples - start)
            images = batch + sigma * rng.standard_normal((count, *batch.shape[1:])).astype(np.float32)
            gradients, _ = inputs.model.gradients.input_gradients(images, inputs.target.row)
            total += np.abs(gradients).sum(axis=0)
            inputs.progress((start + count) / samples)
        return (total / samples).max(axis=-1).astype(np.float32)


@register
class InputXGradient(InputGradient):
    """Input x Gradient: (x - x') dy/dx, summed over channels, signed.

    x' is the baseline. The original has x' = 0, which for images scaled to [-1, 1] would be an arbitrary grey.
    """

    key = "inputxgradient"
    label = "Input x Gradient"
    paper = "Shrikumar 2017, arXiv 1605.01713"
    signed = True
    shows = "Red pixels are evidence for the class and blue pixels against it, relative to the baseline and to first order."
    limits = f"{NOISY} With a dark baseline, dark pixels get small values whatever they show."
    options = (baseline_option("darkest"),)

    def heatmap(self, inputs: MethodInput, *, baseline: str) -> Array:
        """As `Method.heatmap`, (H, W)."""
        change = inputs.batch[0] - BASELINE_INPUTS[baseline](inputs.batch[0])
        gradients, _ = inputs.model.gradients.input_gradients(inputs.batch, inputs.target.row)
        return (change * gradients[0]).sum(axis=-1)


@register
class IntegratedGradients(InputGradient):
    """Integrated Gradients (eq. 1): signed, summed over channels.

    (x - x') times the mean gradient on the straight path from the baseline x' to the image x, by the midpoint rule.
    """

    key = "integratedgradients"
    label = "Integrated Gradients"
    paper = "Sundararajan 2017, arXiv 1703.01365"
    signed = True
    shows = (
        "Red pixels raised the score between the baseline and the image, blue pixels lowered it; together they sum to the "
        "whole change."
    )
    limits = f"{NOISY} The choice of baseline decides what counts as evidence."
    options = (
        Option("steps", "Steps", 32, "More steps lower the completeness error.", 4, 256, 4),
        baseline_option("darkest"),
    )

    def heatmap(self, inputs: MethodInput, *, steps: int, baseline: str) -> Array:
        """As `Method.heatmap`, (H, W)."""
        image = inputs.batch[0]
        start = BASELINE_INPUTS[baseline](image)
        change = image - start
        shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
        total = np.zeros(change.shape, np.float64)
        for first in range(0, steps, CHUNK):
            part = shares[first : first + CHUNK]
            images = start + part[:, None, None, None] * change
            gradients, _ = inputs.model.gradients.input_gradients(images, inputs.target.row)
            total += gradients.sum(axis=0, dtype=np.float64)
            inputs.progress((first + len(part)) / steps)
        return (change * total / steps).sum(axis=-1).astype(np.float32)

    def measures(self, inputs: MethodInput, heatmap: Array, *, steps: int, baseline: str) -> dict[str, float]:
        """How far a map is from the axiom of completeness (sec. 3), that it sums to y(x) - y(x').

        Returns {"completeness_error": |sum - difference| / |difference|}; more steps make it smaller.
        """
        ends = np.stack([inputs.batch[0], BASELINE_INPUTS[baseline](inputs.batch[0])])
        after, before = inputs.model.forward.run(ends)[LOGITS] @ inputs.target.row
        difference = float(after) - float(before)
        missed = abs(float(heatmap.sum(dtype=np.float64)) - difference)
        return {"completeness_error": missed / max(abs(difference), 1e-6)}
