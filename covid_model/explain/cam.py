"""The class activation maps that need one forward and one short backward pass.

All take a batch of one image (1, H, W, c) and return the raw (h, w) float32 map at the size of `layer`, not scaled.
A is the layer's activations (h, w, k), G the derivative of the target y by them. `seed` and `progress` are not used.
"""

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Array, GradientBackend, Progress, silent
from covid_model.explain.target import Target


def grad_cam(
    backend: GradientBackend, batch: Array, target: Target, *, layer: str, seed: int = 0, progress: Progress = silent
) -> Array:
    """Grad-CAM (Selvaraju 2017, arXiv 1610.02391, eq. 1 and 2): ReLU(sum_k mean_ij(G_ijk) A_k)."""
    return grad_cam_batch(backend, batch, target, layer=layer)[0][0]


def grad_cam_batch(backend: GradientBackend, batch: Array, target: Target, *, layer: str) -> tuple[Array, Array]:
    """Grad-CAM maps (b, h, w) and logits (b, units) of a batch (b, H, W, c)."""
    activations, gradients, logits = backend.layer_state(batch, target.row, layer)
    importance = gradients.mean(axis=(1, 2))
    return np.maximum(np.einsum("bhwk,bk->bhw", activations, importance), 0), logits


def grad_cam_plus_plus(
    backend: GradientBackend, batch: Array, target: Target, *, layer: str, seed: int = 0, progress: Progress = silent
) -> Array:
    """Grad-CAM++ (Chattopadhay 2018, arXiv 1710.11063, eq. 10, 19 and 20), for the score Y = exp(y).

    alpha_ijk = G^2 / (2 G^2 + G^3 sum_ab A_abk), scaled to sum to 1 over the cells of a channel as the reference does; the
    map is ReLU(sum_k (sum_ij alpha_ijk ReLU(G_ijk)) A_k). The factor exp(y) before it is left out: it changes no map's
    shape, and overflows.
    """
    activations, gradients, _ = backend.layer_state(batch, target.row, layer)
    a, g = activations[0].astype(np.float64), gradients[0].astype(np.float64)
    square = g**2
    below = 2 * square + g**3 * a.sum(axis=(0, 1))
    alpha = np.divide(square, below, out=np.zeros_like(g), where=(square != 0) & (below != 0))
    total = alpha.sum(axis=(0, 1))
    alpha /= np.where(total == 0, 1, total)
    importance = (alpha * np.maximum(g, 0)).sum(axis=(0, 1))
    return _relu(a @ importance)


def hires_cam(
    backend: GradientBackend, batch: Array, target: Target, *, layer: str, seed: int = 0, progress: Progress = silent
) -> Array:
    """HiResCAM (Draelos 2020, arXiv 2011.08891, eq. 4): sum_k G_k * A_k, signed.

    With one dense layer after `layer` its cells sum to y but for the bias: it shows exactly what the model used there.
    """
    activations, gradients, _ = backend.layer_state(batch, target.row, layer)
    return np.einsum("hwk,hwk->hw", activations[0], gradients[0])


def layer_cam(
    backend: GradientBackend, batch: Array, target: Target, *, layer: str, seed: int = 0, progress: Progress = silent
) -> Array:
    """LayerCAM (Jiang 2021, doi 10.1109/TIP.2021.3089943, eq. 6 and 7): ReLU(sum_k ReLU(G_k) * A_k)."""
    activations, gradients, _ = backend.layer_state(batch, target.row, layer)
    return _relu(np.einsum("hwk,hwk->hw", activations[0], np.maximum(gradients[0], 0)))


def eigen_cam(
    backend: GradientBackend, batch: Array, target: Target, *, layer: str, seed: int = 0, progress: Progress = silent
) -> Array:
    """Eigen-CAM (Muhammad & Yeasin 2020, arXiv 2008.00299): A projected on its first right singular vector, ReLU.

    The sign of a singular vector is free; it is chosen so that the map's sum is not negative. Knows nothing of the target.
    """
    activations = backend.layer_state(batch, target.row, layer).activations[0]
    flat = activations.reshape(-1, activations.shape[-1]).astype(np.float64)
    left, strengths, _ = np.linalg.svd(flat, full_matrices=False)
    projected = (left[:, 0] * strengths[0]).reshape(activations.shape[:2])
    return _relu(projected if projected.sum() >= 0 else -projected)


def _relu(values: NDArray[np.floating]) -> Array:
    return np.maximum(values, 0).astype(np.float32)
