"""ONNX graphs of Keras networks, written with a record of their weights and used only for these weights."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from covid_model.backends.base import EMBEDDING, LOGITS, Array
from covid_model.backends.onnx import GRADIENTS, OnnxBackend
from covid_model.errors import ModelError
from covid_model.files import file_sha256, write_json, written_whole

if TYPE_CHECKING:
    from covid_model.backends.tensorflow import TensorFlowBackend

OPSET: Final = 18
"""Version of the ONNX operators."""
TOLERANCE: Final = 2e-5
"""Largest difference from the Keras network that a graph may show, as `difference` measures it: what single precision leaves
after the sums of a whole network, seen behind activations such as ReLU6 that keep only a part of them.
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GraphRecord:
    """The record of a graph file. graph_sha256: of its bytes. weights_sha256: of the weight file it was made from.

    differences: output -> largest difference from the Keras network on noise, as in `difference`.
    """

    graph_sha256: str
    weights_sha256: str
    differences: dict[str, float]


def graph_path(folder: Path, key: str) -> Path:
    """Where the graph of a model is kept."""
    return folder / f"{key}.onnx"


def record_path(graph: Path) -> Path:
    """Where the record of a graph file is kept."""
    return graph.with_name(f"{graph.name}.json")


def read_graph(path: Path, weights_sha256: str, outputs: Sequence[str]) -> OnnxBackend | None:
    """The backend of a graph file if it belongs to the weights and has all `outputs`; else None.

    weights_sha256: digest of the caller's weights. A graph that is damaged, incomplete or of other weights gives one warning
    in the log.
    """
    if not path.is_file():
        return None
    try:
        record = json.loads(record_path(path).read_text("utf-8"))
        if record["graph_sha256"] != file_sha256(path):
            reason = "is not the file its record describes"
        elif record["weights_sha256"] != weights_sha256:
            reason = "was made from other weights"
        else:
            backend = OnnxBackend(path)
            if missing := set(outputs) - backend.outputs:
                reason = f"has no output {', '.join(sorted(missing))}"
            else:
                return backend
    except Exception as error:  # whatever is wrong with the files or with ONNX Runtime: TensorFlow can answer
        reason = f"cannot be used ({type(error).__name__})"
    _log.warning("The graph %s %s; TensorFlow answers instead.", path.name, reason)
    return None


def write_graph(backend: "TensorFlowBackend", outputs: Sequence[str], path: Path, weights_sha256: str) -> GraphRecord:
    """Export a network with the named `outputs` (names as in `Backend.run`) and write the graph and its record.

    The graph is held to the network on noise first. Raises ModelError, and leaves no graph there, where the network cannot
    be exported or the graph answers differently.
    """
    path.unlink(missing_ok=True)
    try:
        graph = _exported(backend, outputs)
        differences = compared(OnnxBackend(graph), backend, outputs, noise(backend.input_shape))
    except Exception as error:  # the exporter raises as many kinds as there are layers it does not know
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"The network cannot be written as an ONNX graph: {first[:200]}") from error
    if worst := {name: value for name, value in differences.items() if not value <= TOLERANCE}:
        raise ModelError(f"The ONNX graph differs from its network at {', '.join(worst)}.")
    record = GraphRecord(sha256(graph).hexdigest(), weights_sha256, differences)
    with written_whole(path) as partial:
        partial.write_bytes(graph)
    write_json(record_path(path), asdict(record))
    return record


def noise(shape: tuple[int, int, int], count: int = 3, seed: int = 0) -> Array:
    """Images of uniform noise in [-1, 1], (count, *shape) float32."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def compared(graph: OnnxBackend, network: "TensorFlowBackend", outputs: Sequence[str], batch: Array) -> dict[str, float]:
    """Output -> largest difference between both for a batch (b, height, width, channels), constant gradients included."""
    one, other = graph.run(batch, outputs), network.run(batch, outputs)
    found = {name: difference(one[name], other[name]) for name in outputs}
    for layer in _layers(outputs):
        ours, theirs = graph.constant_gradients(layer), network.constant_gradients(layer)
        if ours is not None and theirs is not None:
            found[GRADIENTS + layer] = difference(ours, theirs)
    return found


def difference(one: Array, other: Array) -> float:
    """Largest absolute difference, relative to the largest magnitude in `other` where that is above 1."""
    return float(np.abs(one - other).max() / max(1.0, float(np.abs(other).max())))


def _exported(backend: "TensorFlowBackend", outputs: Sequence[str]) -> bytes:
    """The graph's bytes: one function with every output, and the constant gradients beside them."""
    import tf2onnx

    function = backend.forward_function(outputs)
    model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=OPSET)
    for layer in _layers(outputs):
        values = backend.constant_gradients(layer)
        if values is not None:
            one_for_all = bool((values == values[:1, :1]).all())
            _add_constant(model.graph, GRADIENTS + layer, values[:1, :1] if one_for_all else values)
    content: bytes = model.SerializeToString()
    return content


def _layers(outputs: Sequence[str]) -> list[str]:
    return [name for name in outputs if name not in (LOGITS, EMBEDDING)]


def _add_constant(graph: Any, name: str, values: Array) -> None:
    """An output of an ONNX graph that is the same for every input."""
    from onnx import TensorProto, helper, numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), f"{name}/values"))
    graph.node.append(helper.make_node("Identity", [f"{name}/values"], [name]))
    graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, values.shape))
