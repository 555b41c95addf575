"""Inspect an untrusted model file in a child process: load, flatten, check, and run it for the first time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ModelError
from covid_model.models.calibration import Head, calibrated
from covid_model.models.model_file import ModelFile, layer_configs, open_model_file, refuse_code

if TYPE_CHECKING:
    import keras

    from covid_model.models.endings import Ending

SIDES: Final = (32, 1024)
MOST_LAYERS: Final = 4
SCALING_LAYERS: Final = ("Rescaling", "Normalization")
_PLAIN_LAYERS: Final = ("InputLayer", "Dropout", "SpatialDropout2D", "GaussianNoise", "ZeroPadding2D", *SCALING_LAYERS)
"""Layers whose heatmaps equal those of the layer before."""
_DOES_NOT_RUN: Final = "The model does not run on an image of the size that it asks for; one whose predict works would."


@dataclass(frozen=True)
class Inspected:
    """What was found in a model file.

    size: (height, width), channels: of its input. units: number of logits. head: as its last activation tells; says_head: is
    there one, or a single unit, for which both are the same? layers: where heatmaps may be taken, the last of each
    resolution, the default first. rescales: does the network scale pixels by itself, so that it wants 0 to 255? count: of
    its layers.
    """

    size: tuple[int, int]
    channels: int
    units: int
    head: Head
    says_head: bool
    layers: tuple[str, ...]
    rescales: bool
    count: int


def inspect(path: Path, flat: Path) -> Inspected:
    """Read the model file at `path`, which is changed on the way, and write its flat network to `flat` (.keras).

    Raises ModelError for files that are no Keras model, that need code of their own, or that no image can be given to.
    """
    model = _loaded(path)
    network, ending = _taken_apart(model)
    _check_numbers(network)
    layers = _layers(network)
    network.save(flat)
    height, width, channels = network.inputs[0].shape[1:]
    return Inspected(
        (height, width),
        channels,
        network.outputs[0].shape[-1],
        ending.head,
        ending.activation != "linear" or network.outputs[0].shape[-1] == 1,
        layers,
        _rescales(network),
        len(network.layers),
    )


def _rescales(network: "keras.Model") -> bool:
    """Is there a layer that scales pixels, before the first one that looks at them?"""
    for layer in network.layers:
        if type(layer).__name__ in SCALING_LAYERS:
            return True
        if layer.weights:
            return False
    return False


def own_probabilities(path: Path, batch: NDArray[np.float32], head: Head) -> NDArray[np.float64]:
    """What the file's own `predict` says of a batch (b, height, width, channels), as probabilities (b, classes).

    The network is the file's, in single precision; of one sigmoid unit p they are (1 - p, p), of outputs without an
    activation what `head` makes of them.
    """
    import keras

    model = _loaded(path)
    _, ending = _taken_apart(model)
    try:
        outputs = np.asarray(keras.tree.flatten(model.predict(batch, verbose=0))[0], np.float64).reshape(len(batch), -1)
    except Exception as error:  # TensorFlow raises as many kinds as layers can be wrong
        _refuse_memory(error)
        raise ModelError(_DOES_NOT_RUN) from error
    if ending.activation == "linear":
        return calibrated(outputs, 1.0, head)
    return np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs


def _loaded(path: Path) -> "keras.Model":
    """The network in the file as Keras reads it, in single precision."""
    import keras

    from covid_model.models.rewriting import prepared

    file = open_model_file(path)
    refuse_code(file.config)
    _refuse_channels_first(file)
    config = prepared(file, path)
    right = path.with_suffix(".keras" if file.container == "zip" else ".h5")
    path.replace(right)
    try:
        model = keras.saving.load_model(right, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises as many kinds as files can be wrong
        _refuse_memory(error)
        raise _unreadable(file, config) from error
    finally:
        right.replace(path)
    _check_shape(model)
    return model


def _refuse_memory(error: Exception) -> None:
    """Raises MemoryError, which the parent turns into a sentence, where an allocation failed in TensorFlow or NumPy."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        raise MemoryError from error


def _unreadable(file: ModelFile, config: dict[str, Any]) -> ModelError:
    """Which layer this Keras does not take, and what its owner can do."""
    import keras

    by = f"Keras {file.version}" if file.version else "a Keras that does not say its version"
    for layer in layer_configs(config):
        if layer["class_name"] in ("Functional", "Sequential", "Model"):
            continue
        try:
            keras.layers.deserialize({"module": "keras.layers", "registered_name": None, **layer})
        except Exception:  # as above
            if not hasattr(keras.layers, layer["class_name"]):
                continue  # an initializer, a policy or an operation, each read with its layer
            what = f"the layer {str(layer['config']['name'])!r} ({layer['class_name']})"
            return ModelError(
                f"The file was written by {by} and cannot be read by Keras {keras.__version__} because of {what}; "
                "replace it where the model was made, or save the model again with Keras 3."
            )
    return ModelError(
        f"The file was written by {by} and Keras {keras.__version__} cannot read it: its weights do not fit its layers, "
        "or it is damaged; save the model again with model.save('model.keras')."
    )


def _refuse_channels_first(file: ModelFile) -> None:
    for layer in layer_configs(file.config):
        if layer["config"].get("data_format") == "channels_first":
            raise ModelError(
                f"The layer {str(layer['config']['name'])!r} works with channels before rows and columns (channels_first); "
                "build the model with channels_last."
            )


def _taken_apart(model: "keras.Model") -> tuple["keras.Model", "Ending"]:
    from covid_model.models.endings import ending_in_logits
    from covid_model.models.flatten import flattened

    try:
        return ending_in_logits(flattened(model))
    except ModelError:
        raise
    except Exception as error:  # layers with settings that do not survive a copy, each with an error of its own
        _refuse_memory(error)
        raise ModelError(
            "The model cannot be taken apart into layers that are explained by name; a functional or sequential model of "
            "plain Keras layers would work."
        ) from error


def _check_shape(model: "keras.Model") -> None:
    """One image in, one row of scores out."""
    if not getattr(model, "inputs", None) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError("The model must be functional or sequential, built, with one input and one output.")
    shape, out = tuple(model.inputs[0].shape), tuple(model.outputs[0].shape)
    low, high = SIDES
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        raise ModelError(f"The model takes {shape}, channels before rows and columns; build it with channels_last.")
    if len(shape) != 4 or shape[3] not in (1, 3) or not all(side and low <= side <= high for side in shape[1:3]):
        raise ModelError(
            f"The model takes {shape}; (batch, height, width, 1 or 3) with fixed sides of {low} to {high} would work."
        )
    if len(out) != 2 or not out[1]:
        raise ModelError(f"The model returns {out}; (batch, classes) would work.")


def _check_numbers(network: "keras.Model") -> None:
    """Weights that are numbers, and scores that are."""
    for layer in network.layers:
        if not all(np.isfinite(values).all() for values in layer.get_weights()):
            raise ModelError(
                f"The layer {layer.name!r} holds weights that are not numbers (NaN or infinite): its training failed; "
                "give an earlier checkpoint."
            )
    try:
        logits = np.asarray(network(_noise(network)[None], training=False))
    except Exception as error:  # TensorFlow raises as many kinds as layers can be wrong
        _refuse_memory(error)
        raise ModelError(_DOES_NOT_RUN) from error
    if not np.isfinite(logits).all():
        raise ModelError(
            "The model's scores for a plain image are not numbers (NaN or infinite); another checkpoint may work."
        )


def _noise(network: "keras.Model") -> NDArray[np.float32]:
    """An image of noise as the network's input, in [0, 1]."""
    return np.random.default_rng(0).random(network.inputs[0].shape[1:]).astype(np.float32)


def _candidates(network: "keras.Model") -> Iterator[tuple[str, tuple[int, int]]]:
    """Name and (rows, columns) of every layer with a map, in the network's order."""
    for layer in network.layers:
        shape: Any = getattr(layer.output, "shape", ())
        plain = type(layer).__name__ in _PLAIN_LAYERS or type(layer).__name__.startswith("Random")
        if len(shape) == 4 and all(side and side > 1 for side in shape[1:3]) and not plain:
            yield layer.name, shape[1:3]


def _layers(network: "keras.Model") -> tuple[str, ...]:
    """The last usable layer of each resolution whose rows and columns are the image's, the coarsest first."""
    from covid_model.models.map_axes import turned_layers

    known = dict(_candidates(network))
    if not known:
        raise ModelError("The model has no layer with a picture-like output, so heatmaps have no place to be taken at.")
    while known:
        names = tuple(reversed({shape: name for name, shape in known.items()}.values()))
        turned = turned_layers(network, names, _noise(network))
        if not turned:
            return names[:MOST_LAYERS]
        known = {name: shape for name, shape in known.items() if name not in turned}
    raise ModelError(
        f"The maps of {', '.join(names[:MOST_LAYERS])} do not lie as the image does (transposed, mirrored or channels "
        "first), so that heatmaps would be wrong; a model that keeps rows and columns would work."
    )
