"""TensorFlow operations that Keras 2 wrote into a model as layers, as layers that Keras 3 has."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

Numbers = float | list[float]
"""One number, or one for each channel."""


def _each(values: Numbers, change: Callable[[float], float]) -> Numbers:
    return [change(value) for value in values] if isinstance(values, list) else change(values)


_LINEAR: Final[dict[str, tuple[str, Callable[[Numbers], tuple[Numbers, Numbers]]]]] = {
    **dict.fromkeys(("math.add", "__operators__.add"), ("y", lambda y: (1.0, y))),
    **dict.fromkeys(("math.subtract", "__operators__.sub"), ("y", lambda y: (1.0, _each(y, lambda value: -value)))),
    **dict.fromkeys(("math.multiply", "__operators__.mul"), ("y", lambda y: (y, 0.0))),
    **dict.fromkeys(
        ("math.truediv", "math.divide", "__operators__.truediv"), ("y", lambda y: (_each(y, lambda value: 1 / value), 0.0))
    ),
    "nn.bias_add": ("bias", lambda bias: (1.0, bias)),
}
"""Function -> its argument, and what that is as scale and offset of a Rescaling."""


def as_layer(layer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The layer for an operation between one tensor and numbers, such as those of `preprocess_input`; None for others.

    layer: of class TFOpLambda, as Keras 2 wrote it, with `inbound_nodes` of [[name, node, tensor, arguments]].
    """
    nodes = layer.get("inbound_nodes")
    function, name = layer["config"].get("function"), layer["config"]["name"]
    if layer["class_name"] != "TFOpLambda" or not isinstance(nodes, list) or len(nodes) != 1 or len(nodes[0]) != 4:
        return None
    source, node, tensor, arguments = nodes[0]
    if source == "_CONSTANT_VALUE" or not isinstance(arguments, Mapping):
        return None
    if function == "cast" and str(arguments.get("dtype")).startswith(("float", "bfloat")):
        scale_and_offset: tuple[Numbers, Numbers] = (1.0, 0.0)
    elif function in _LINEAR and arguments.get("data_format") in (None, "NHWC"):
        argument, convert = _LINEAR[function]
        values = _numbers(arguments.get(argument))
        if values is None or (function.endswith(("truediv", "divide")) and not math.prod(_listed(values))):
            return None
        scale_and_offset = convert(values)
    else:
        return None
    scale, offset = scale_and_offset
    return {
        "class_name": "Rescaling",
        "config": {"name": name, "trainable": False, "dtype": "float32", "scale": scale, "offset": offset},
        "name": name,
        "inbound_nodes": [[[source, node, tensor, {}]]],
    }


def _listed(values: Numbers) -> list[float]:
    return values if isinstance(values, list) else [values]


def _numbers(value: Any) -> Numbers | None:
    """The value as finite numbers; None where it is another layer's output, or anything else."""
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(each, int | float) and not isinstance(each, bool) for each in found):
        return None
    numbers = [float(each) for each in found]
    if not all(map(math.isfinite, numbers)):
        return None
    return numbers if isinstance(value, list) else numbers[0]
