"""Model files that the tests make: small networks, and what Keras 2 and strangers would have written."""

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
from keras import layers


def small(last: Any = "softmax", units: int = 3, side: int = 64) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 3, activation="relu", name="second"),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(units, activation=last),
        ]
    )


def ending(build: Any) -> keras.Model:
    """A convolution, pooling, and whatever `build` makes of the features."""
    image = keras.Input((32, 32, 3))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(image))
    return keras.Model(image, build(features))


def saved(model: keras.Model, path: Path) -> bytes:
    model.save(path)
    return path.read_bytes()


def rewritten_config(path: Path, change: Any) -> Path:
    """The .keras file with another architecture."""
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries["config.json"] = change(entries["config.json"])
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def as_keras_2(path: Path, extra: dict[str, dict[str, Any]], names: dict[str, str] | None = None) -> Path:
    """A file of a chain of layers with its architecture as Keras 2.15 wrote it.

    extra: settings to add, by class name. names: layers to be called otherwise.
    """
    names = names or {}
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(_old(json.loads(file.attrs["model_config"]), extra, names, paths=False))
            file.attrs["keras_version"] = "2.15.0"
        return path
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries["config.json"] = json.dumps(_old(json.loads(entries["config.json"]), extra, names, paths=True)).encode()
    entries["metadata.json"] = b'{"keras_version": "2.15.0", "date_saved": "2024-01-01@00:00:00"}'
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def _old(config: dict[str, Any], extra: dict[str, dict[str, Any]], names: dict[str, str], *, paths: bool) -> dict[str, Any]:
    chain, before, call = [], "", 0
    for layer in config["config"]["layers"]:
        settings = {
            key: value for key, value in layer["config"].items() if key not in ("dtype", "batch_shape", "input_axes")
        }
        if layer["class_name"] == "InputLayer":
            settings["batch_input_shape"] = layer["config"]["batch_shape"]
        name = names.get(settings["name"], settings["name"])
        settings |= {"name": name, "dtype": "float32", **extra.get(layer["class_name"], {})}
        entry = {"class_name": layer["class_name"], "config": settings, "name": name}
        if layer["class_name"] == "Functional":
            entry["config"] = _old(layer, extra, names, paths=paths)["config"] | {"name": name}
        entry["inbound_nodes"] = [[[before, call, 0, {}]]] if before else []
        if paths:
            entry |= {"module": "keras.layers", "registered_name": None}
        chain.append(entry)
        before, call = name, int(layer["class_name"] == "Functional")  # making an inner model was its call 0
    ends = {"input_layers": [[chain[0]["name"], 0, 0]], "output_layers": [[before, call, 0]]}
    old = {"class_name": "Functional", "config": {"name": "model", "trainable": True, "layers": chain, **ends}}
    return {**old, "module": "keras.src.engine.functional", "registered_name": "Functional"} if paths else old


def with_operation(path: Path, name: str, function: str, arguments: dict[str, Any]) -> None:
    """The .h5 file of Keras 2 with an operation of TensorFlow in place of the layer `name`."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        (layer,) = (layer for layer in config["config"]["layers"] if layer["name"] == name)
        layer["class_name"], layer["config"] = "TFOpLambda", {"name": name, "dtype": "float32", "function": function}
        layer["inbound_nodes"] = [[*layer["inbound_nodes"][0][0][:3], arguments]]
        file.attrs["model_config"] = json.dumps(config)
