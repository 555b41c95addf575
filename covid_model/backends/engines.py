"""ONNX Runtime for forward passes, and TensorFlow only when gradients are needed."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from covid_model.backends.graphs import read_graph
from covid_model.backends.onnx import OnnxBackend
from covid_model.backends.tensorflow import TensorFlowBackend

if TYPE_CHECKING:
    import keras


class GraphEngines:
    """The engines of a network with an ONNX graph; its Keras network is loaded when gradients are first needed."""

    def __init__(self, forward: OnnxBackend, load: Callable[[], "keras.Model"]) -> None:
        """load: gives the Keras network of the same weights; called at most once, by whichever thread comes first."""
        self._forward = forward
        self._load = load
        self._gradients: TensorFlowBackend | None = None
        self._lock = threading.Lock()

    @property
    def forward(self) -> OnnxBackend:
        """ONNX Runtime."""
        return self._forward

    @property
    def gradients(self) -> TensorFlowBackend:
        """TensorFlow. Raises what loading the network raises; the next call tries again."""
        with self._lock:
            if self._gradients is None:
                self._gradients = TensorFlowBackend(self._load())
            return self._gradients


NetworkEngines = TensorFlowBackend | GraphEngines
"""Engines of a Keras network, with or without an ONNX graph."""


def engines_of(
    graph: Path, weights_sha256: str, outputs: Sequence[str], load: Callable[[], "keras.Model"]
) -> NetworkEngines:
    """The engines of a network: with its ONNX graph where `graphs.read_graph` accepts it, else TensorFlow for everything.

    graph: the file, which may be missing. weights_sha256: digest of the weights that `load` reads. outputs: those that
    forward passes will need.
    """
    backend = read_graph(graph, weights_sha256, outputs)
    return TensorFlowBackend(load()) if backend is None else GraphEngines(backend, load)
