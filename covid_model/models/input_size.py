"""A network at another input size."""

import keras

from covid_model.errors import ModelError


def at_side(network: keras.Model, side: int, name: str) -> keras.Model:
    """The same layers, with new weights, for a square input of `side` pixels. name: of the model, for the sentence.

    Raises ModelError where the network leaves nothing of so small an input.
    """
    shape = (side, side, network.input_shape[-1])
    try:
        return keras.models.clone_model(network, input_tensors=keras.Input(shape, name="image"))
    except ValueError as error:
        raise ModelError(f"{side} x {side} pixels are too few for {name}; choose a larger size.") from error
