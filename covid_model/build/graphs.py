"""The ONNX graphs that ship beside their weights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from covid_model.backends.graphs import GraphRecord, graph_path, write_graph
from covid_model.files import file_sha256
from covid_model.lungs.segment import NETWORK, OUTPUTS, LungSegmenter
from covid_model.models.classifier import load
from covid_model.settings import WEIGHTS

LUNG_NETWORK: Final = NETWORK.stem
SHIPPED_GRAPHS: Final = ("lungs", "whole-image", LUNG_NETWORK)
"""The two default models and the lung network; other models that ship are answered by TensorFlow."""


def write_graphs(keys: tuple[str, ...] = SHIPPED_GRAPHS, folder: Path = WEIGHTS) -> Iterator[tuple[Path, GraphRecord]]:
    """Write the graph of each model, and of the lung network, from the weights in use; yields each file with its record.

    Raises ModelError for an unknown key or a network that cannot be exported.
    """
    segmenter = LungSegmenter.load()
    for key in keys:
        path = graph_path(folder, key)
        if key == LUNG_NETWORK:
            yield path, write_graph(segmenter.engines.gradients, OUTPUTS, path, file_sha256(NETWORK))
        else:
            model = load(key, segmenter)
            yield path, write_graph(model.gradients, model.card.graph_outputs, path, model.weights_digest)
