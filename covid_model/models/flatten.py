"""Any functional or sequential Keras network as one flat graph, input `image`, output `logits`."""

from typing import Any, Final

import keras

from covid_model.errors import ModelError

SOFT: Final = ("softmax", "sigmoid")
"""Last activations that are taken off."""


def _activation(layer: Any) -> str:
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _copied(layer: Any, name: str, pairs: list[tuple[Any, Any]], **changes: Any) -> Any:
    """A fresh layer with the same settings under another name; the pair is kept so that weights can follow."""
    fresh = layer.__class__.from_config({**layer.get_config(), "name": name, **changes})
    pairs.append((layer, fresh))
    return fresh


def _carry_weights(pairs: list[tuple[Any, Any]]) -> None:
    for old, new in pairs:
        if isinstance(old, keras.layers.Layer):  # bare operations, such as a division, have none
            new.set_weights(old.get_weights())


def flattened(model: keras.Model) -> keras.Model:
    """The same function with every nested model taken apart, so that each layer can be explained by its name."""
    pairs: list[tuple[Any, Any]] = []
    taken: set[str] = set()

    def fresh(operation: Any) -> Any:
        if isinstance(operation, keras.Model):
            return lambda tensor, *_, **__: unfold(operation, tensor)
        name, number = operation.name, 1
        while name in taken:
            name, number = f"{operation.name}_{number}", number + 1
        taken.add(name)
        return _copied(operation, name, pairs)

    def unfold(inner: keras.Model, tensor: Any) -> Any:
        functional = keras.Model(inner.inputs[0], inner.outputs[0])
        # clone_model keeps nested models whole; this is the walk that it and every call of a functional model use
        return functional._run_through_graph(tensor, operation_fn=fresh)

    image = keras.Input(model.inputs[0].shape[1:], name="image")
    flat = keras.Model(image, unfold(model, image))
    _carry_weights(pairs)
    return flat


def ending_in_logits(flat: keras.Model) -> keras.Model:
    """The network without its last softmax or sigmoid, its last layer called "logits".

    Raises ModelError for a last activation that is neither of them nor linear.
    """
    last = flat.outputs[0]._keras_history.operation
    activation = _activation(last)
    if activation not in (*SOFT, "linear"):
        raise ModelError(f"The model ends in {activation!r}; softmax, sigmoid or no activation would work.")
    if isinstance(last, keras.layers.Softmax | keras.layers.Activation):
        flat = keras.Model(flat.input, last.input)
        last = flat.outputs[0]._keras_history.operation
    pairs: list[tuple[Any, Any]] = []

    def clone(layer: Any) -> Any:
        changes = {"activation": "linear"} if layer is last and hasattr(layer, "activation") else {}
        return _copied(layer, "logits" if layer is last else layer.name, pairs, **changes)

    named: keras.Model = keras.models.clone_model(flat, clone_function=clone)
    _carry_weights(pairs)
    return named
