"""What an uploaded model file is, by its content, and the architecture in it, read without Keras and without running it."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from covid_model.errors import ModelError

Container = Literal["zip", "hdf5"]

CONFIG: Final = "config.json"
METADATA: Final = "metadata.json"
WEIGHTS: Final = "model.weights.h5"
LARGEST_CONFIG: Final = 20_000_000
"""Bytes of JSON; the architecture of the largest network of keras.applications takes 2 MB."""
DEEPEST: Final = 100
"""Levels of JSON; a model within a model within a model takes about 30."""
LARGEST_UNPACKED: Final = 2_000_000_000
"""Bytes that a zip file may declare to unpack to."""
MOST_SHRUNK: Final = 50
"""How many times its size a large zip file may unpack to; weights hardly shrink."""
MOST_LAYERS: Final = 3000
"""Layers of a model; the largest network of keras.applications has about 1,000."""

KERAS_WORKS: Final = "a .keras or .h5 file written by model.save() would work"
_NOT_KERAS: Final = f"The file is not a Keras model; {KERAS_WORKS}."
_OTHER_KINDS: Final[dict[str, str]] = {
    "PyTorch": "build the same network in Keras, copy its weights into it",
    "TensorFlow Lite": "take the Keras model that it was converted from",
    "ONNX": "take the Keras model that it was exported from, or build the same network in Keras, copy its weights into it "
    "(converters such as onnx2keras leave Lambda layers, which are refused)",
    "TensorFlow SavedModel": "load it where it was made with the Keras that wrote it",
    "safetensors": "build the network that its weights belong to in Keras, copy them into it",
}
"""Kind of file -> what its owner can do before `model.save('model.keras')`."""
_KERAS_MODULES: Final = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins")
_ACTING_MODULES: Final = ("keras.utils", "keras.src.utils", "keras.saving", "keras.src.saving")
"""Parts of Keras that no layer comes from and that touch files or the network."""


@dataclass(frozen=True)
class ModelFile:
    """A Keras file. config: its architecture as JSON. version: of the Keras that wrote it, "" where it does not say."""

    container: Container
    config: dict[str, Any]
    version: str

    @property
    def of_keras_2(self) -> bool:
        """Keras 3 wrote "3.x"; tf_keras, which is Keras 2, counts as TensorFlow does: 2.x."""
        return self.version.startswith(("1.", "2."))


def _other(kind: str) -> ModelError:
    return ModelError(
        f"This is a {kind} file, which cannot be read; {_OTHER_KINDS[kind]}, and call model.save('model.keras')."
    )


def _refuse_other_kinds(path: Path) -> None:
    """Raises ModelError that names the kind of a file of another library, which no Keras file begins like."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head[4:8] == b"TFL3":
        raise _other("TensorFlow Lite")
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":  # a pickle: PyTorch before 1.6
        raise _other("PyTorch")
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < LARGEST_CONFIG:
        raise _other("safetensors")
    # protocol buffers have no magic; both begin with the version, then ONNX with its producer's name
    if head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x1a", b"\x3a", b"\x42"):
        raise _other("TensorFlow SavedModel" if b"saved_model" in head or b"\x12\x05serve" in head else "ONNX")


def open_model_file(path: Path) -> ModelFile:
    """Recognise a file by its content and read its architecture. Raises ModelError for everything that is not Keras'."""
    with path.open("rb") as stream:
        magic = stream.read(8)
    if magic == b"\x89HDF\r\n\x1a\n":
        return _of_hdf5(path)
    if magic[:2] == b"PK":
        return _of_zip(path)
    _refuse_other_kinds(path)
    raise ModelError(_NOT_KERAS)


def _of_zip(path: Path) -> ModelFile:
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
            _refuse_other_zips(names)
            _check_entries(file.infolist(), path.stat().st_size)
            metadata = _json(_bounded(file, METADATA)) if METADATA in names else {}
            config = _json(_bounded(file, CONFIG))
            config.pop("compile_config", None)  # loss and optimiser are not needed, whosever they are
            return ModelFile("zip", config, _text(metadata.get("keras_version")))
    except KeyError as error:
        raise ModelError(_NOT_KERAS) from error
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise ModelError(f"The file is a damaged zip file; {KERAS_WORKS}.") from error


def _refuse_other_zips(names: list[str]) -> None:
    last = {name.rsplit("/", 1)[-1] for name in names}
    if "saved_model.pb" in last:
        raise _other("TensorFlow SavedModel")
    if "data.pkl" in last:
        raise _other("PyTorch")
    if CONFIG not in names and WEIGHTS in names:
        raise _without_network()


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    if any(entry.flag_bits & 1 for entry in entries):
        raise ModelError("The zip file is encrypted; a model file without a password would work.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > LARGEST_UNPACKED or unpacked > max(MOST_SHRUNK * size, 200_000_000):
        raise ModelError(f"The file unpacks to {unpacked / 1e9:.1f} GB, too much for its size; {KERAS_WORKS}.")


def _bounded(file: zipfile.ZipFile, name: str) -> bytes:
    """An entry, read no further than an architecture can be long, whatever its header says."""
    with file.open(name) as stream:
        data = stream.read(LARGEST_CONFIG + 1)
    return _of_bearable_size(data)


def _of_bearable_size(data: bytes) -> bytes:
    if len(data) > LARGEST_CONFIG:
        raise ModelError(
            f"The architecture in the file takes more than {LARGEST_CONFIG / 1e6:.0f} MB; no model saved by Keras does."
        )
    return data


def _of_hdf5(path: Path) -> ModelFile:
    import h5py

    try:
        with h5py.File(path) as file:
            _refuse_references(file)
            config, version = file.attrs.get("model_config"), file.attrs.get("keras_version", "")
            if config is None:
                raise _without_network() if len(file) else ModelError(_NOT_KERAS)
            text = config if isinstance(config, bytes) else str(config).encode()
            version = version.decode("utf-8", "replace") if isinstance(version, bytes) else version
            return ModelFile("hdf5", _json(_of_bearable_size(text)), _text(version))
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise ModelError(f"The file is a damaged HDF5 file; {KERAS_WORKS}.") from error


def _refuse_references(group: Any) -> None:
    """Raises ModelError where an HDF5 file takes data from other files of the host."""
    import h5py

    waiting = [group]
    while waiting:
        here = waiting.pop()
        for name in here:
            link = here.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise ModelError("The file takes weights from other files; save the whole model with model.save().")
            if not isinstance(link, h5py.HardLink):
                continue
            found = here[name]
            if isinstance(found, h5py.Group):
                waiting.append(found)
            elif isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
                raise ModelError("The file takes weights from other files; save the whole model with model.save().")


def _without_network() -> ModelError:
    return ModelError(
        "The file holds weights without the network they belong to; save the whole model with model.save('model.keras')."
    )


def _json(text: bytes) -> dict[str, Any]:
    """A JSON object of bearable depth."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise ModelError(f"The architecture in the file is not text that Keras wrote; {KERAS_WORKS}.") from error
    if not isinstance(found, dict):
        raise ModelError(f"The architecture in the file is not text that Keras wrote; {KERAS_WORKS}.")
    if any(depth > DEEPEST for depth, _ in _walk(found)):
        raise _too_deep()
    return found


def _too_deep() -> ModelError:
    return ModelError(f"The architecture in the file is nested more than {DEEPEST} levels deep; no saved model needs that.")


def _text(value: Any) -> str:
    """A version as a short printable word."""
    return value[:20] if isinstance(value, str) and value[:20].isprintable() else ""


def _walk(config: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every JSON object in a config with its depth, without recursion: crafted files nest deeply."""
    waiting = [(0, config)]
    while waiting:
        depth, value = waiting.pop()
        if isinstance(value, Mapping):
            yield depth, value
        if isinstance(value, Mapping | list) and depth <= DEEPEST:
            inner = value.values() if isinstance(value, Mapping) else value
            waiting += [(depth + 1, part) for part in inner]


def refuse_code(config: Mapping[str, Any]) -> None:
    """Raises ModelError for an architecture of too many layers, or that needs code which is not part of Keras."""
    strange = set()
    if sum(1 for _ in layer_configs(config)) > MOST_LAYERS:
        raise ModelError(f"The model has more than {MOST_LAYERS} layers; a smaller one would work.")
    for _, part in _walk(config):
        kind = part.get("class_name")
        if not isinstance(kind, str):
            continue
        if kind in ("Lambda", "__lambda__"):
            raise ModelError(
                "The model holds a Lambda layer, which is code, and is not loaded; replace it by a Keras layer."
            )
        name, module = str(part.get("registered_name") or kind), part.get("module")
        if kind == "function":  # Keras writes its own functions as plain names
            strange.add(str(part.get("config")))
        elif ">" in name:
            strange.add(name)
        elif isinstance(module, str) and (not _within(module, _KERAS_MODULES) or _within(module, _ACTING_MODULES)):
            strange.add(f"{module}.{kind}")
    if strange:
        shown = ", ".join(sorted(strange)[:5])
        raise ModelError(f"The model needs classes that are not part of Keras, whose code is not run: {shown}.")


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return f"{module}.".startswith(tuple(f"{package}." for package in packages))


def layer_configs(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every layer of an architecture and of the models within it, as Keras wrote it, to be read or changed in place."""
    for _, part in _walk(config):
        inner = part.get("config")
        if isinstance(part.get("class_name"), str) and isinstance(inner, dict) and "name" in inner:
            yield part  # type: ignore[misc]  # a JSON object
