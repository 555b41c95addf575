"""Class activation maps: the activations of a layer, weighted and summed over its channels.

A is the layer's activations (b, h, w, k), G the derivative of the target y by them, same shape.
"""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Array, Engines
from covid_model.explain.layer_state import layer_activations, layer_state
from covid_model.explain.methods.registry import CAM, COARSE, NO_DISEASE, RAISED, Method, Question, register
from covid_model.explain.target import Target


class ClassActivationMap(Method):
    """sum_k w_k A_k, its negative part cut off unless the method is signed. A method is its `weights`."""

    family = CAM
    needs_layer = True

    @abstractmethod
    def weights(self, activations: Array, gradients: Array) -> NDArray[np.floating]:
        """w of a batch: (b, 1, 1, k), or (b, h, w, k) where it differs from cell to cell."""

    def needs_gradients(self, model: Engines, layer: str) -> bool:
        """Only where an image changes the derivative of the logits by the layer."""
        return model.forward.constant_gradients(layer) is None

    def maps(self, model: Engines, batch: Array, target: Target, layer: str) -> tuple[Array, Array]:
        """Raw maps (b, h, w) and logits (b, units) of a batch (b, H, W, c)."""
        activations, gradients, logits = layer_state(model, batch, target, layer)
        found = (activations * self.weights(activations, gradients)).sum(axis=-1)
        return (found if self.signed else np.maximum(found, 0)).astype(np.float32), logits

    def heatmap(self, question: Question) -> Array:
        """As `Method.heatmap`, (h, w) of the layer."""
        return self.maps(question.model, question.batch, question.target, question.layer)[0][0]


@register
class GradCam(ClassActivationMap):
    """Grad-CAM (eq. 1 and 2): w_k = mean_ij(G_ijk)."""

    key = "gradcam"
    label = "Grad-CAM"
    paper = "Selvaraju 2017, arXiv 1610.02391"
    shows = RAISED
    limits = f"{COARSE} By averaging gradients it can light up places that the model did not use. {NO_DISEASE}"

    def weights(self, activations: Array, gradients: Array) -> NDArray[np.floating]:
        """(b, 1, 1, k)."""
        return gradients.mean(axis=(1, 2), keepdims=True)


@register
class GradCamPlusPlus(ClassActivationMap):
    """Grad-CAM++ (eq. 10, 19 and 20), for the score Y = exp(y): w_k = sum_ij alpha_ijk ReLU(G_ijk).

    alpha_ijk = G^2 / (2 G^2 + G^3 sum_ab A_abk), scaled to sum to 1 over the cells of a channel as the reference does. The
    factor exp(y) before the map is left out: it changes no map's shape, and overflows.
    """

    key = "gradcampp"
    label = "Grad-CAM++"
    paper = "Chattopadhay 2018, arXiv 1710.11063"
    shows = f"{RAISED} Several separate areas come out more evenly than with Grad-CAM."
    limits = f"{COARSE} Its weights are always positive, so it tends to show all that is active. {NO_DISEASE}"

    def weights(self, activations: Array, gradients: Array) -> NDArray[np.floating]:
        """(b, 1, 1, k) float64."""
        a, g = activations.astype(np.float64), gradients.astype(np.float64)
        square = g**2
        below = 2 * square + g**3 * a.sum(axis=(1, 2), keepdims=True)
        alpha = np.divide(square, below, out=np.zeros_like(g), where=(square != 0) & (below != 0))
        total = alpha.sum(axis=(1, 2), keepdims=True)
        alpha /= np.where(total == 0, 1, total)
        return (alpha * np.maximum(g, 0)).sum(axis=(1, 2), keepdims=True)


@register
class HiResCam(ClassActivationMap):
    """HiResCAM (eq. 4): w = G, cell by cell, signed.

    With one dense layer after the layer its cells sum to y but for the bias: it shows exactly what the model used there.
    """

    key = "hirescam"
    label = "HiResCAM"
    paper = "Draelos & Carin 2020, arXiv 2011.08891"
    signed = True
    shows = "Red areas raised the score of the chosen class and blue ones lowered it, as the model used them."
    limits = f"{COARSE} It is exact only when a single dense layer follows the chosen layer. {NO_DISEASE}"

    def weights(self, activations: Array, gradients: Array) -> NDArray[np.floating]:
        """(b, h, w, k)."""
        return gradients


@register
class LayerCam(ClassActivationMap):
    """LayerCAM (eq. 6 and 7): w = ReLU(G), cell by cell."""

    key = "layercam"
    label = "LayerCAM"
    paper = "Jiang 2021, doi 10.1109/TIP.2021.3089943"
    shows = "Bright areas hold features that speak for the chosen class; made for earlier, finer layers."
    limits = f"What speaks against the class is dropped before the sum, so it can overstate an area. {NO_DISEASE}"

    def weights(self, activations: Array, gradients: Array) -> NDArray[np.floating]:
        """(b, h, w, k)."""
        return np.maximum(gradients, 0)


@register
class EigenCam(Method):
    """Eigen-CAM: A (h * w, k) projected on its first right singular vector, ReLU. It knows nothing of the target.

    The sign of a singular vector is free; it is chosen so that the map's sum is not negative.
    """

    key = "eigencam"
    label = "Eigen-CAM"
    family = CAM
    paper = "Muhammad & Yeasin 2020, arXiv 2008.00299"
    shows = "Bright areas are where the layer is active in its strongest common pattern, whatever the class."
    limits = f"{COARSE} It is the same for every class, so it explains no decision; it shows what the layer sees."
    needs_layer = True
    class_blind = True

    def heatmap(self, question: Question) -> Array:
        """As `Method.heatmap`, (h, w) of the layer."""
        activations = layer_activations(question.model, question.batch, question.layer)[0]
        flat = activations.reshape(-1, activations.shape[-1]).astype(np.float64)
        left, strengths, _ = np.linalg.svd(flat, full_matrices=False)
        projected = (left[:, 0] * strengths[0]).reshape(activations.shape[:2])
        return np.maximum(projected if projected.sum() >= 0 else -projected, 0).astype(np.float32)
