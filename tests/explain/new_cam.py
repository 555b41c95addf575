"""A new method as a reader would add it: this file in `covid_model/explain/methods/` is all that it takes."""

import numpy as np

from covid_model.explain.methods.cam import ClassActivationMap
from covid_model.explain.methods.registry import register


@register
class XGradCam(ClassActivationMap):
    """XGrad-CAM (eq. 8): the mean of the gradients, weighted by the activations."""

    key = "xgradcam"
    label = "XGrad-CAM"
    paper = "Fu 2020, arXiv 2008.02312"
    shows = "Bright areas raised the score of the chosen class, each channel counted by where it is active."
    limits = "The map is coarse."

    def weights(self, activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """(b, 1, 1, k)."""
        total = activations.sum(axis=(1, 2), keepdims=True)
        return (activations * gradients).sum(axis=(1, 2), keepdims=True) / (total + 1e-7)
