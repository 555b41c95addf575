"""Heatmaps that ignore the model, planted among the real ones: a trust test of heatmaps must notice them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from covid_model.backends.base import Array
from covid_model.explain.methods import METHODS, Method, MethodInput
from covid_model.trust.baseline_maps import sobel_edges


class PlantedEdges(Method):
    """The image's edges (Adebayo 2018): they look like an explanation and depend on no weight."""

    key = "planted-edges"
    label = "Edges"
    family = "planted"
    paper = "Adebayo 2018, arXiv 1810.03292"
    shows = "Edges of the image."
    limits = "Ignores the model."

    def heatmap(self, inputs: MethodInput) -> Array:
        pixels = inputs.batch[0].mean(axis=-1)
        return sobel_edges(pixels, np.ones(pixels.shape, bool))


class PlantedBlobs(Method):
    """Smooth noise drawn from the seed and the image: as unstable as a method can be, and it depends on no weight."""

    key = "planted-blobs"
    label = "Random blobs"
    family = "planted"
    paper = "none"
    shows = "Nothing."
    limits = "Ignores the model."

    def heatmap(self, inputs: MethodInput) -> Array:
        content = int(np.abs(inputs.batch).sum(dtype=np.float64) * 1e6)
        return np.random.default_rng((inputs.seed, content)).random((7, 7)).astype(np.float32)


PLANTED: Final = (PlantedEdges, PlantedBlobs)


@contextmanager
def planted_methods() -> Iterator[None]:
    """The planted methods are in METHODS inside the block."""
    METHODS.update({kind.key: kind() for kind in PLANTED})
    try:
        yield
    finally:
        for kind in PLANTED:
            METHODS.pop(kind.key)
