"""Flatten a functional or sequential Keras network into one graph whose layers can be explained by name."""

from typing import Any, Final

import keras

from covid_model.backends.base import EMBEDDING, LOGITS

INPUT: Final = "image"
"""The name of a flat network's input."""


def copied(layer: Any, name: str, pairs: list[tuple[Any, Any]], **changes: Any) -> Any:
    """A fresh layer with the same settings under another name; the pair is kept so that weights can follow."""
    fresh = layer.__class__.from_config({**layer.get_config(), "name": name, **changes})
    pairs.append((layer, fresh))
    return fresh


def carry_weights(pairs: list[tuple[Any, Any]]) -> None:
    """Give each fresh layer the weights of the one it was copied from."""
    for old, new in pairs:
        if isinstance(old, keras.layers.Layer):  # bare operations, such as a division, have none
            new.set_weights(old.get_weights())


def flattened(model: keras.Model) -> keras.Model:
    """The same function with every nested model taken apart, so that each layer can be explained by its name."""
    pairs: list[tuple[Any, Any]] = []
    taken = {INPUT, EMBEDDING, LOGITS}  # what a layer inside must not be called

    def fresh(operation: Any) -> Any:
        if isinstance(operation, keras.Model):
            return lambda tensor, *_, **__: unfold(operation, tensor)
        name, number = operation.name, 1
        while name in taken:
            name, number = f"{operation.name}_{number}", number + 1
        taken.add(name)
        return copied(operation, name, pairs)

    def unfold(inner: keras.Model, tensor: Any) -> Any:
        functional = keras.Model(inner.inputs[0], inner.outputs[0])
        # clone_model keeps nested models whole; this is the walk that it and every call of a functional model use
        return functional._run_through_graph(tensor, operation_fn=fresh)

    image = keras.Input(model.inputs[0].shape[1:], name=INPUT)
    flat = keras.Model(image, unfold(model, image))
    carry_weights(pairs)
    return flat
