"""Class activation maps: the activations of a layer, weighted and summed over its channels.

A is the layer's activations (b, h, w, k); G is the gradient of the target y with respect to A, of the same shape.
"""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Array, Engines
from covid_model.explain.layer_state import layer_activations, layer_state
from covid_model.explain.methods.registry import CAM, COARSE, NO_DISEASE, RAISED, Method, MethodInput, register
from covid_model.explain.target import Target


class ClassActivationMap(Method):
    """sum_k w_k A_k, with a ReLU unless the method is signed. A subclass defines `weights` and is a method."""

    family = CAM
    needs_layer = True

    @abstractmethod
    def weights(self, activations: Array, gradients: Array) -> NDArray[np.floating]:
        """w of a batch: (b, 1, 1, k), or (b, h, w, k) where each cell has its own weights."""

    def needs_gradients(self, model: Engines, layer: str) -> bool:
        """Only where the gradient of the logits by the layer depends on the image."""
        return model.forward.constant_gradients(layer) is None

    def maps(self, model: Engines, batch: Array, target: Target, layer: str) -> tuple[Array, Array]:
        """Raw maps (b, h, w) and logits (b, units) of a batch (b, H, W, c)."""
        activations, gradients, logits = layer_state(model, batch, target, layer)
        found = (activations * self.weights(activations, gradients)).sum(axis=-1)
        return (found if self.signed else np.maximum(found, 0)).astype(np.float32), logits

    def heatmap(self, inputs: MethodInput) -> Array:
        """As `Method.heatmap`, (h, w) of the layer."""
        return self.maps(inputs.model, inputs.batch, inputs.target, inputs.layer)[0][0]


@register
class GradCam(ClassActivationMap):
    """Grad-CAM (eq. 1 and 2): w_k = mean_ij(G_ijk)."""

    key = "gradcam"
    label = "Grad-CAM"
    paper = "Selvaraju 2017, arXiv 1610.02391"
    shows = RAISED
    limits = (
        f"{COARSE} It averages gradients, so it also highlights places that the model did not use. It does not show whether "
        "the model was right, nor what a disease looks like."
    )

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
    shows = f"{RAISED} It shows several separate areas more evenly than Grad-CAM."
    limits = f"{COARSE} Its weights are never negative, so it tends to show everything that is active. {NO_DISEASE}"

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

    Where pooling and one dense layer follow the layer, the map sums to y less the bias: it is exact.
    """

    key = "hirescam"
    label = "HiResCAM"
    paper = "Draelos & Carin 2020, arXiv 2011.08891"
    signed = True
    shows = "Red areas raised the score of the chosen class and blue areas lowered it."
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
    shows = "Bright areas have features that raised the score of the chosen class; made for earlier, finer layers."
    limits = f"It drops evidence against the class before the sum, so it can overstate an area. {NO_DISEASE}"

    def weights(self, activations: Array, gradients: Array) -> NDArray[np.floating]:
        """(b, h, w, k)."""
        return np.maximum(gradients, 0)


@register
class EigenCam(Method):
    """Eigen-CAM: A (h * w, k) projected on its first right singular vector, ReLU. It ignores the target.

    The sign of a singular vector is arbitrary; here it makes the map's sum positive or zero.
    """

    key = "eigencam"
    label = "Eigen-CAM"
    family = CAM
    paper = "Muhammad & Yeasin 2020, arXiv 2008.00299"
    shows = "Bright areas are where the layer is active in its strongest common pattern, whatever the class."
    limits = f"{COARSE} It is the same for every class, so it shows what the layer sees and explains no decision."
    needs_layer = True
    class_blind = True

    def heatmap(self, inputs: MethodInput) -> Array:
        """As `Method.heatmap`, (h, w) of the layer."""
        activations = layer_activations(inputs.model, inputs.batch, inputs.layer)[0]
        flat = activations.reshape(-1, activations.shape[-1]).astype(np.float64)
        left, strengths, _ = np.linalg.svd(flat, full_matrices=False)
        projected = (left[:, 0] * strengths[0]).reshape(activations.shape[:2])
        return np.maximum(projected if projected.sum() >= 0 else -projected, 0).astype(np.float32)
