"""Activations and gradients for class activation maps, without TensorFlow where the network allows it."""

import numpy as np

from covid_model.backends.base import LOGITS, Array, Engines, LayerState
from covid_model.errors import ExplainError
from covid_model.explain.target import Target


def layer_state(model: Engines, batch: Array, target: Target, layer: str) -> LayerState:
    """Activations of `layer`, gradients of the target with respect to them, and logits, for a batch (b, H, W, c).

    Where the gradients are the same for every image, as before global pooling and a dense layer, a forward pass is enough
    (CAM, Zhou 2016, arXiv 1512.04150, eq. 2); elsewhere they are computed by backpropagation.
    Raises ExplainError when the layer is unknown or has no height and width.
    """
    constant = model.forward.constant_gradients(layer)
    if constant is None:
        return model.gradients.layer_state(batch, target.row, layer)
    found = model.forward.run(batch, (layer, LOGITS))
    gradients = np.broadcast_to(constant @ target.row, found[layer].shape)
    return LayerState(found[layer], gradients, found[LOGITS])


def layer_activations(model: Engines, batch: Array, layer: str) -> Array:
    """Activations (b, h, w, k) of `layer` for a batch (b, H, W, c), from forward passes alone.

    Raises ExplainError when the layer is unknown or has no height and width.
    """
    found = model.forward.run(batch, (layer,))[layer]
    if found.ndim != 4:
        raise ExplainError(f"Layer {layer!r} gives {found.shape}; a map needs (batch, height, width, channels).")
    return found
