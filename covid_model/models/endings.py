"""How a network ends: which activation makes its probabilities, and the same network ending in logits."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import keras

from covid_model.backends.base import LOGITS
from covid_model.errors import ModelError
from covid_model.models.calibration import Head
from covid_model.models.flatten import carry_weights, copied

Activation = Literal["softmax", "sigmoid", "linear"]

_PASSING: Final = (
    "Dropout", "SpatialDropout1D", "GaussianDropout", "AlphaDropout", "GaussianNoise", "Identity", "Reshape", "Flatten",
    "ActivityRegularization", "Cast", "Squeeze",
)  # fmt: skip
"""Layers and operations that hand scores on as they are, where their number stays the same."""
_MERGING: Final = (
    "Average", "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum", "Concatenate", "Mean", "Stack",
)  # fmt: skip
"""Layers and operations that make scores out of others."""


@dataclass(frozen=True)
class Ending:
    """How scores become probabilities.

    activation: the last one. head: do the classes exclude one another? complement: are the outputs (1 - p, p) of one unit?
    negated: or (p, 1 - p)?
    """

    activation: Activation
    head: Head = "multiclass"
    complement: bool = False
    negated: bool = False


def _operation(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _node(tensor: Any) -> Any:
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _kind(operation: Any) -> str:
    return type(operation).__name__


def _size(tensor: Any) -> int | None:
    """Number of scores of one image."""
    size = 1
    for side in tensor.shape[1:]:
        if side is None:
            return None
        size *= side
    return size


def _name(activation: Any) -> str:
    """What an activation is called: a function, a layer or an operation."""
    name = getattr(activation, "__name__", None) or _kind(activation)
    return str(name).lower()


def _activation(operation: Any) -> str:
    """What a layer or an operation does to its scores at the end."""
    kind = _kind(operation)
    if kind in ("Softmax", "Sigmoid"):
        axis = getattr(operation, "axis", -1)
        last = len(operation.output.shape) - 1
        if axis not in (-1, last, None) and list(axis if isinstance(axis, list | tuple) else [axis]) not in ([-1], [last]):
            raise ModelError(f"The softmax at the model's end runs along axis {axis}; along the classes (-1) would work.")
        return kind.lower()
    if kind in ("LogSoftmax", "LogSigmoid", "Relu", "ReLU", "LeakyReLU", "Tanh", "Softplus"):
        return kind.lower()
    activation = getattr(operation, "activation", None)
    return "linear" if activation is None else _name(activation)


def _behind_passing(tensor: Any) -> Any:
    """The tensor whose scores this one hands on."""
    while True:
        operation = _operation(tensor)
        inputs = _node(tensor).input_tensors
        plain = _kind(operation) == "Activation" and _activation(operation) == "linear"
        if len(inputs) != 1 or not (plain or _kind(operation) in _PASSING) or _size(inputs[0]) != _size(tensor):
            return tensor
        tensor = inputs[0]


def _complement(tensor: Any) -> tuple[Any, bool] | None:
    """(p, is p first?) where the tensor is 1 - p beside p, else None."""
    inputs = _node(tensor).input_tensors
    if _kind(_operation(tensor)) not in ("Concatenate", "Stack") or len(inputs) != 2 or _size(tensor) != 2:
        return None
    first, second = inputs
    for rest, share, share_is_first in ((first, second, False), (second, first, True)):
        if _kind(_operation(rest)) != "Subtract":
            continue
        arguments = _node(rest).arguments.args
        if len(arguments) == 2 and arguments[1] is share and _is_one(arguments[0]):
            return share, share_is_first
    return None


def _is_one(value: Any) -> bool:
    try:
        return bool(float(value) == 1)
    except (TypeError, ValueError):
        return False


def _refuse_mixed(tensor: Any, name: str, level: int = 0) -> None:
    """Raises ModelError where merged scores are probabilities: their logits are not sums of logits."""
    operation = _operation(_behind_passing(tensor))
    if level and _activation(operation) in ("softmax", "sigmoid"):
        raise ModelError(
            f"The model ends in {name!r}, which mixes probabilities, so that it has no logits to be explained; "
            "mix the scores before one softmax or sigmoid, or give one of the heads alone."
        )
    if _kind(operation) in _MERGING and _size(tensor) is not None:
        for inner in _node(_behind_passing(tensor)).input_tensors:
            if (_size(inner) or 0) <= (_size(tensor) or 0):
                _refuse_mixed(inner, name, level + 1)


def ending_in_logits(flat: keras.Model) -> tuple[keras.Model, Ending]:
    """The network without its last softmax or sigmoid, its last layer called "logits", and what was taken off.

    Raises ModelError for a last activation that is neither of them nor linear, for probabilities that cannot be written as
    logits, and for a softmax over one unit, which is always 1.
    """
    tensor = _behind_passing(flat.outputs[0])
    both = _complement(tensor)
    if both is not None:
        tensor = _behind_passing(both[0])
    activation = _activation(_operation(tensor))
    units = _size(tensor)
    if activation not in ("softmax", "sigmoid", "linear") or (both and activation != "sigmoid"):
        raise ModelError(f"The model ends in {activation!r}; softmax, sigmoid or no activation would work.")
    if activation == "softmax" and units == 1:
        raise ModelError(
            "The model ends in a softmax over one unit, which is 1 for every image; train it again with a sigmoid there, "
            "or with two units and a softmax."
        )
    _refuse_mixed(tensor, _operation(tensor).name)
    head: Head = "multilabel" if activation == "sigmoid" and units != 1 else "multiclass"
    ending = Ending(activation, head, both is not None, bool(both and both[1]))  # type: ignore[arg-type]
    return _named(*_without_activation(flat, tensor, activation), negated=ending.negated), ending


def _without_activation(flat: keras.Model, tensor: Any, activation: str) -> tuple[keras.Model, Any]:
    """The network up to the layer that makes the scores, and that layer."""
    operation = _operation(tensor)
    if activation != "linear" and _kind(operation) in ("Softmax", "Sigmoid", "Activation"):
        tensor = _node(tensor).input_tensors[0]
    scores = _behind_passing(tensor)
    return keras.Model(flat.input, scores), _operation(scores)


def _named(network: keras.Model, last: Any, *, negated: bool) -> keras.Model:
    """The network with its last layer linear and called "logits"; where it is no dense layer, one is put behind it."""
    pairs: list[tuple[Any, Any]] = []
    dense = isinstance(last, keras.layers.Dense)
    as_logits = dense and not negated

    def clone(layer: Any) -> Any:
        changes = {"activation": "linear"} if layer is last and hasattr(layer, "activation") else {}
        return copied(layer, LOGITS if layer is last and as_logits else layer.name, pairs, **changes)

    named: keras.Model = keras.models.clone_model(network, clone_function=clone)
    carry_weights(pairs)
    if as_logits:
        return named
    layer = keras.layers.Rescaling(-1.0, name=LOGITS) if negated else keras.layers.Flatten(name=LOGITS)
    return keras.Model(named.input, layer(named.outputs[0]))
