"""What is changed in a model file before Keras reads it: precision, a fixed batch, and what Keras 2 wrote otherwise."""

import copy
import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from covid_model.errors import ModelError
from covid_model.models.model_file import CONFIG, WEIGHTS, ModelFile, layer_configs
from covid_model.models.tensorflow_operations import as_layer

_OTHER_PRECISIONS: Final = ("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16", "half", "double", "uint8")
_PRECISION_KEYS: Final = ("dtype", "compute_dtype", "variable_dtype", "autocast_dtype")
_HARMLESS: Final[tuple[tuple[str, str, tuple[Any, ...] | None], ...]] = (
    (r"DepthwiseConv.*|SeparableConv.*|Conv.*Transpose", "groups", (1,)),
    (r"DepthwiseConv.*|SeparableConv.*", "kernel_(initializer|regularizer|constraint)", None),
    (r"Random.*", "rng_type", None),
    (r".*", "implementation", None),
    (r"LSTM|GRU|SimpleRNN|RNN", "time_major", (False,)),
    (r".*", "experimental_run_tf_function", None),
)
"""Class and setting that Keras 3 has no more (regular expressions), and values that change nothing (None: any)."""
_OPERATIONS: Final = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
_CONTAINERS: Final = ("Functional", "Model", "Sequential")


def prepared(file: ModelFile, path: Path) -> dict[str, Any]:
    """Rewrite the file at `path` so that this Keras reads it in single precision; returns the new architecture.

    Raises ModelError, naming the layer, for what Keras 2 wrote and Keras 3 cannot read.
    """
    whole = copy.deepcopy(file.config)
    if file.of_keras_2:
        for layer in layer_configs(whole):  # before precisions change: a cast to whole numbers is no layer
            layer.update(as_layer(layer) or {})
    config = _of_any_batch(in_single_precision(whole))
    if file.of_keras_2:
        _refuse_lost_layers(config, file.version)
        config = _legacy_layers(_renamed(_without_harmless(config)))
        if file.container == "zip":
            kind = config["class_name"]
            module = "keras" if kind == "Sequential" else "keras.src.models.functional"
            config |= {"module": module, "registered_name": kind}
    (_write_zip if file.container == "zip" else _write_hdf5)(path, config, of_keras_2=file.of_keras_2)
    return config


def in_single_precision(config: Any) -> Any:
    """The same architecture with every layer, operation and input in float32."""
    if isinstance(config, list):
        return [in_single_precision(part) for part in config]
    if not isinstance(config, Mapping):
        return config
    changed = {key: in_single_precision(value) for key, value in config.items()}
    for key in _PRECISION_KEYS:
        if changed.get(key) in _OTHER_PRECISIONS:
            changed[key] = "float32"
    if str(changed.get("class_name", "")).endswith(("Policy", "DTypePolicyMap")) and isinstance(changed.get("config"), dict):
        name = str(changed["config"].get("name"))
        if name.startswith(("int", "float8", "quantized")) or "quantization_mode" in changed["config"]:
            raise ModelError(f"The model is quantised ({name}); save it before it is quantised.")
        if name in _OTHER_PRECISIONS:
            changed["config"]["name"] = "float32"
    return changed


def _of_any_batch(config: dict[str, Any]) -> dict[str, Any]:
    """A model built for a fixed number of images takes any."""
    for layer in layer_configs(config):
        for key in ("batch_shape", "batch_input_shape"):
            if isinstance(shape := layer["config"].get(key), list) and shape:
                layer["config"][key] = [None, *shape[1:]]
    return config


def _refuse_lost_layers(config: Mapping[str, Any], version: str) -> None:
    import keras

    for layer in layer_configs(config):
        kind, name = layer["class_name"], layer["config"]["name"]
        known = kind in _CONTAINERS or hasattr(keras.layers, kind) or hasattr(keras.initializers, kind)
        if kind in _OPERATIONS:
            what = "an operation of TensorFlow outside any layer"
            way = "put a layer in its place where the model was made (Rescaling or Normalization for preprocessing)"
        elif not known and layer.get("module", "keras.layers") == "keras.layers":
            what, way = f"a {kind}, which Keras 3 has no more", "replace it where the model was made"
        else:
            continue
        raise ModelError(
            f"The file was written by Keras {version} and cannot be read because of the layer {name!r} ({what}); "
            f"{way} and save again."
        )


def _without_harmless(config: dict[str, Any]) -> dict[str, Any]:
    for layer in layer_configs(config):
        settings = layer["config"]
        for kinds, pattern, values in _HARMLESS:
            if re.fullmatch(kinds, layer["class_name"]):
                for key in [key for key in settings if re.fullmatch(pattern, key)]:
                    if values is None or settings[key] in values:
                        del settings[key]
    return config


def _renamed(config: dict[str, Any]) -> dict[str, Any]:
    """Without slashes in the names of layers, which Keras 3 does not take."""
    names = {layer["config"]["name"] for layer in layer_configs(config)}
    fresh: dict[str, str] = {}
    for name in sorted(name for name in names if isinstance(name, str) and "/" in name):
        plain = name.replace("/", "_")
        while plain in names or plain in fresh.values():
            plain += "_"
        fresh[name] = plain

    def rename(value: Any) -> Any:
        if isinstance(value, list):
            return [rename(part) for part in value]
        if isinstance(value, dict):
            return {key: rename(part) for key, part in value.items()}
        return fresh.get(value, value) if isinstance(value, str) else value

    return rename(config) if fresh else config


def _legacy_layers(config: dict[str, Any]) -> dict[str, Any]:
    """As Keras 3 finds it: without the class paths of Keras 2.13 to 2.15, which moved since, and with single ends unwrapped.

    Layers without a path are found by their class. Of a nested model with a list of one output the next layer gets a list.
    """
    for layer in layer_configs(config):
        _count_calls_from_zero(layer["config"])
        for ends in ("input_layers", "output_layers"):
            found = layer["config"].get(ends)
            if isinstance(found, list) and len(found) == 1:
                layer["config"][ends] = found[0]
        for key in ("module", "registered_name", "build_config"):
            layer.pop(key, None)
        if isinstance(axis := layer["config"].get("axis"), list) and len(axis) == 1:  # of a batch normalisation
            layer["config"]["axis"] = axis[0]
        if layer["class_name"] == "Model":
            layer["class_name"] = "Functional"
    return config


def _count_calls_from_zero(settings: dict[str, Any]) -> None:
    """Number the calls of models within a functional one as Keras 3 does when it reads layers without a path.

    Keras 2 counts from 1 where the inner model knows its input, since making it was its first call. Keras 3 counts from 0;
    only where the outer model's outputs name an inner functional one, it subtracts 1 by itself.
    """
    layers = settings.get("layers")
    if not isinstance(layers, list) or "output_layers" not in settings:
        return
    inner = {
        layer["config"]["name"]: layer["class_name"]
        for layer in layers
        if layer["class_name"] in _CONTAINERS and layer["config"]["layers"][0]["class_name"] == "InputLayer"
    }
    sequential = {name for name, kind in inner.items() if kind == "Sequential"}
    calls = [call for layer in layers for node in layer.get("inbound_nodes", []) for call in node]
    for call in calls:
        if isinstance(call, list) and len(call) >= 3 and call[0] in inner and call[1] > 0:
            call[1] -= 1
    for end in settings["output_layers"]:
        if isinstance(end, list) and end[0] in sequential and end[1] > 0:
            end[1] -= 1


def _write_zip(path: Path, config: dict[str, Any], *, of_keras_2: bool) -> None:
    whole = path.with_suffix(".rewritten")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(whole, "w") as new:
        for entry in old.infolist():
            if entry.filename == WEIGHTS and of_keras_2:
                old.extract(entry, path.parent)
                _rename_weights(path.parent / WEIGHTS)
                new.write(path.parent / WEIGHTS, WEIGHTS)
            elif entry.filename == CONFIG:
                new.writestr(CONFIG, json.dumps(config))
            else:
                with old.open(entry) as source, new.open(entry.filename, "w") as target:
                    shutil.copyfileobj(source, target)
    whole.replace(path)


def _rename_weights(path: Path) -> None:
    """Keras 2.13 kept the weights of layers under another name than all later ones."""
    import h5py

    with h5py.File(path, "r+") as file:
        for group in _groups(file):
            if "_layer_checkpoint_dependencies" in group and "layers" not in group:
                group.move("_layer_checkpoint_dependencies", "layers")


def _groups(group: Any) -> list[Any]:
    """A group of an HDF5 file and all groups in it, the innermost first, so that they can be renamed."""
    import h5py

    inner = [found for part in group.values() if isinstance(part, h5py.Group) for found in _groups(part)]
    return [*inner, group]


def _write_hdf5(path: Path, config: dict[str, Any], *, of_keras_2: bool) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
