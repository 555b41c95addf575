"""Score-CAM: each channel is weighted by the class's probability when only its active area is visible."""

import numpy as np

from covid_model.backends.base import CHUNK, Array, run_in_chunks
from covid_model.explain.layer_state import layer_activations
from covid_model.explain.methods.registry import CAM, COARSE, OFF_IMAGE, Method, MethodInput, register
from covid_model.explain.options import Option
from covid_model.explain.target import target_probability

EPSILON = 1e-7


@register
class ScoreCam(Method):
    """Score-CAM (algorithm 1): ReLU(sum_k p_k A_k), at layer size.

    p_k is the target's probability for the image multiplied by channel k's activation, enlarged and scaled to [0, 1]. Only
    the `channels` with the largest standard deviation are used, as in Faster-Score-CAM; 0 uses all.
    The probability follows the head: softmax for several units, sigmoid for one, so that the negative class of a one-unit
    model has a map as well (tf-keras-vis applies softmax to one unit, which is always 1: its issue 78).
    """

    key = "scorecam"
    label = "Score-CAM"
    family = CAM
    paper = "Wang 2020, arXiv 1910.01279"
    shows = "Bright areas are those that, with the rest of the image dimmed, give the chosen class a high probability."
    limits = f"{COARSE} {OFF_IMAGE}"
    needs_layer = True
    options = (Option("channels", "Channels", 32, "The most varied of the layer are used; 0 uses all, slowly.", 0, 1280, 8),)

    def heatmap(self, inputs: MethodInput, *, channels: int) -> Array:
        """As `Method.heatmap`, (h, w) of the layer."""
        from scipy.ndimage import zoom

        forward, batch = inputs.model.forward, inputs.batch
        activations = layer_activations(inputs.model, batch, inputs.layer)[0]
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
            weights += target_probability(run_in_chunks(forward, images.astype(np.float32)), inputs.target).tolist()
            inputs.progress(min(1.0, (start + CHUNK) / activations.shape[-1]))
        return np.maximum(activations @ np.array(weights, np.float32), 0)
