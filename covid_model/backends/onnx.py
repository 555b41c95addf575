"""ONNX Runtime as the engine of an exported graph: forward passes without TensorFlow."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from covid_model.backends.base import LOGITS, Array, threads_of_a_pass
from covid_model.errors import ExplainError
from covid_model.memory import is_sparing

GRADIENTS: Final = "gradients/"
"""Before a layer's name: the output that holds its constant gradients, (1 or h, 1 or w, k, units)."""


def _imported() -> Any:
    """ONNX Runtime, told not to report to its makers.

    From 1.29 on its packages do by default: they send events about sessions and models, and keep an identifier of the
    machine in the user's cache (github.com/microsoft/onnxruntime/pull/27379). It decides once, when it begins.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


class OnnxBackend:
    """Forward passes of one exported graph. ONNX Runtime's sessions take calls from several threads at once.

    The outputs are those that `graphs.write_graph` put in; only the ones asked for are computed.
    """

    def __init__(self, graph: bytes | Path) -> None:
        """graph: a file or its bytes; of bytes, the session keeps a copy. Raises whatever ONNX Runtime raises for
        what is no graph.
        """
        onnxruntime = _imported()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads_of_a_pass()
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = not is_sparing()
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        # Threads that wait by spinning take the cores from TensorFlow and from other sessions.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        self._shapes: dict[str, list[Any]] = {output.name: output.shape for output in self._session.get_outputs()}
        constant = [name for name in self._shapes if name.startswith(GRADIENTS)]
        self._constant = self._outputs(constant, np.zeros((1, *self.input_shape), np.float32))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self._input.shape[1:]
        return height, width, channels

    @property
    def units(self) -> int:
        """Number of logits."""
        return int(self._shapes[LOGITS][-1])

    @property
    def outputs(self) -> frozenset[str]:
        """Every output that `run` can give."""
        return frozenset(self._shapes) - self._constant.keys()

    def run(self, batch: Array, outputs: Sequence[str] = (LOGITS,)) -> dict[str, Array]:
        """As `base.Backend.run`; the layers are the explanation layers of the model's card."""
        for name in outputs:
            self._require(name)
        return self._outputs(outputs, np.asarray(batch, np.float32))

    def constant_gradients(self, layer: str) -> Array | None:
        """As `base.Backend.constant_gradients`, as they were when the graph was written. A read-only view."""
        self._require(layer)
        shape = self._shapes[layer][1:]
        if len(shape) != 3:
            raise ExplainError(f"Layer {layer!r} gives {shape}; a map needs (height, width, channels).")
        found = self._constant.get(GRADIENTS + layer)
        return None if found is None else np.broadcast_to(found, (*shape, self.units))

    def _outputs(self, names: Sequence[str], batch: Array) -> dict[str, Array]:
        if not names:  # ONNX Runtime would compute all of them
            return {}
        return dict(zip(names, self._session.run(list(names), {self._input.name: batch}), strict=True))

    def _require(self, output: str) -> None:
        if output not in self.outputs:
            raise ExplainError(f"The model has no layer {output!r}; its card names those that can be explained.")
