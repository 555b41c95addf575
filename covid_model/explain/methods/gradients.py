"""Maps from the gradient at the input: one value a pixel of what the model receives, (H, W)."""

from typing import Final

import numpy as np

from covid_model.backends.base import CHUNK, LOGITS, Array, Engines
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.explain.methods.registry import GRADIENT, Method, Question, register
from covid_model.explain.options import Option, baseline_option

PIXELS: Final = "Bright pixels are those where a tiny change of tone would change the score of the chosen class the most."
NOISY: Final = "Gradients are noisy and follow edges; read areas, never single pixels."


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
    limits = f"{NOISY} It says what the score is sensitive to, not what it rests on."

    def heatmap(self, question: Question) -> Array:
        """As `Method.heatmap`, (H, W)."""
        gradients, _ = question.model.gradients.input_gradients(question.batch, question.target.row)
        return np.abs(gradients[0]).max(axis=-1)


@register
class SmoothGrad(InputGradient):
    """SmoothGrad (eq. 1) of the absolute gradient: its mean over noisy copies of the image."""

    key = "smoothgrad"
    label = "SmoothGrad"
    paper = "Smilkov 2017, arXiv 1706.03825"
    shows = f"{PIXELS} Averaged over noisy copies of the image."
    limits = f"{NOISY} It says what the score is sensitive to, not what it rests on."
    options = (
        Option("samples", "Noisy copies", 16, "More copies give a calmer map.", 2, 128, 2),
        Option("noise", "Noise", 0.1, "Standard deviation as a share of the image's range.", 0.01, 0.5, 0.01),
    )

    def heatmap(self, question: Question, *, samples: int, noise: float) -> Array:
        """As `Method.heatmap`, (H, W). noise: standard deviation as a share of the image's range of values."""
        batch, rng = question.batch, np.random.default_rng(question.seed)
        sigma = noise * (batch.max() - batch.min())
        total = np.zeros(batch.shape[1:], np.float64)
        for start in range(0, samples, CHUNK):
            count = min(CHUNK, samples - start)
            images = batch + sigma * rng.standard_normal((count, *batch.shape[1:])).astype(np.float32)
            gradients, _ = question.model.gradients.input_gradients(images, question.target.row)
            total += np.abs(gradients).sum(axis=0)
            question.progress((start + count) / samples)
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
    shows = "Red pixels speak for the chosen class and blue ones against it, to first order, beside the baseline."
    limits = f"{NOISY} Dark pixels count for little with a dark baseline, whatever they mean."
    options = (baseline_option("darkest"),)

    def heatmap(self, question: Question, *, baseline: str) -> Array:
        """As `Method.heatmap`, (H, W)."""
        change = question.batch[0] - BASELINE_INPUTS[baseline](question.batch[0])
        gradients, _ = question.model.gradients.input_gradients(question.batch, question.target.row)
        return (change * gradients[0]).sum(axis=-1)


@register
class IntegratedGradients(InputGradient):
    """Integrated Gradients (eq. 1): signed, summed over channels.

    (x - x') times the mean gradient on the straight way from the baseline x' to the image x, by the midpoint rule.
    """

    key = "integratedgradients"
    label = "Integrated Gradients"
    paper = "Sundararajan 2017, arXiv 1703.01365"
    signed = True
    shows = "Red pixels raised the score on the way from the baseline to the image, blue ones lowered it; they add up."
    limits = f"{NOISY} The choice of baseline decides what counts as evidence."
    options = (
        Option("steps", "Steps", 32, "More steps lower the completeness error.", 4, 256, 4),
        baseline_option("darkest"),
    )

    def heatmap(self, question: Question, *, steps: int, baseline: str) -> Array:
        """As `Method.heatmap`, (H, W)."""
        image = question.batch[0]
        start = BASELINE_INPUTS[baseline](image)
        change = image - start
        shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
        total = np.zeros(change.shape, np.float64)
        for first in range(0, steps, CHUNK):
            part = shares[first : first + CHUNK]
            images = start + part[:, None, None, None] * change
            gradients, _ = question.model.gradients.input_gradients(images, question.target.row)
            total += gradients.sum(axis=0, dtype=np.float64)
            question.progress((first + len(part)) / steps)
        return (change * total / steps).sum(axis=-1).astype(np.float32)

    def measures(self, question: Question, heatmap: Array, *, steps: int, baseline: str) -> dict[str, float]:
        """How far a map misses the axiom of completeness (sec. 3), that it sums to y(x) - y(x').

        Returns {"completeness_error": |sum - difference| / |difference|}; more steps make it smaller.
        """
        ends = np.stack([question.batch[0], BASELINE_INPUTS[baseline](question.batch[0])])
        after, before = question.model.forward.run(ends)[LOGITS] @ question.target.row
        difference = float(after) - float(before)
        missed = abs(float(heatmap.sum(dtype=np.float64)) - difference)
        return {"completeness_error": missed / max(abs(difference), 1e-6)}
