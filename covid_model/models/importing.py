"""A user's own `.keras` or `.h5` file as a model of the MODELS table, never running code that the file brings."""

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from covid_model import __version__
from covid_model.errors import ModelError
from covid_model.images.preprocess import Preprocessing, Region, Scaling
from covid_model.models.card import Card
from covid_model.models.user_models import IMPORTED, save_user_model, user_model_key
from covid_model.settings import models_folder, require_own_host

if TYPE_CHECKING:
    import keras

SIDES: Final = (32, 1024)
MOST_LAYERS: Final = 4
SCALING_LAYERS: Final = ("Rescaling", "Normalization")
LIMITS: Final = (
    "Research software: never a diagnosis, never a reason to treat or not to treat.",
    "Imported: nothing is known here about its training; its probabilities are not calibrated.",
)
_PLAIN_LAYERS: Final = ("InputLayer", "Dropout", "SpatialDropout2D", "GaussianNoise", "ZeroPadding2D", *SCALING_LAYERS)
"""Layers at which a heatmap says nothing of its own."""


@dataclass(frozen=True, eq=False)
class Brought:
    """A network that came as a file, flattened, ending in logits. units: of the last layer.

    layers: where heatmaps may be taken, the last of each resolution, the default first. rescales: does the network scale
    pixels by itself, so that it wants bytes?
    """

    network: "keras.Model"
    size: tuple[int, int]
    channels: int
    units: int
    layers: tuple[str, ...]
    rescales: bool


def _config(path: Path) -> Any:
    """The architecture in a model file as JSON, read without Keras."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                return json.loads(file.read("config.json"))
        import h5py

        with h5py.File(path) as file:
            return json.loads(file.attrs["model_config"])
    except KeyError as error:
        raise ModelError(
            "The file holds weights without the network they belong to; save the whole model with model.save('model.keras')."
        ) from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(
            "The file is not a Keras model; a .keras or .h5 file written by model.save() would work."
        ) from error


def _classes(config: Any) -> Iterator[str]:
    """The registered or class name of everything in an architecture; "package>name" for classes not of Keras."""
    if isinstance(config, Mapping):
        if isinstance(config.get("class_name"), str):
            yield str(config.get("registered_name") or config["class_name"])
        for value in config.values():
            yield from _classes(value)
    elif isinstance(config, list):
        for value in config:
            yield from _classes(value)


def _refuse_code(config: Any) -> None:
    """Raises ModelError for an architecture that needs code which is not part of Keras."""
    kinds = set(_classes(config))
    if "Lambda" in kinds:
        raise ModelError("The model holds a Lambda layer, which is code, and is not loaded; replace it by a Keras layer.")
    if strange := sorted(kind for kind in kinds if ">" in kind):
        raise ModelError(f"The model needs classes that are not part of Keras, whose code is not run: {', '.join(strange)}.")


def read_network(data: bytes, name: str) -> Brought:
    """The network in an upload. data: bytes of the file; name: its file name, for the suffix.

    Raises ModelError for other files, for networks with Lambda layers or classes of their own, whose code would have to be
    run, and for shapes that no chest X-ray model has.
    """
    import keras

    from covid_model.models.flatten import ending_in_logits, flattened

    suffix = Path(name).suffix.lower()
    if suffix not in (".keras", ".h5", ".hdf5"):
        raise ModelError(f"{name} is not a Keras model; a .keras or .h5 file written by model.save() would work.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{'.keras' if suffix == '.keras' else '.h5'}"
        path.write_bytes(data)
        _refuse_code(_config(path))
        try:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises as many kinds as files can be wrong
            first = str(error).splitlines()[0][:200]
            raise ModelError(f"Keras {keras.__version__} cannot load the model: {first}") from error
    _check(model)
    network = ending_in_logits(flattened(model))
    height, width, channels = network.inputs[0].shape[1:]
    return Brought(
        network,
        (height, width),
        channels,
        network.outputs[0].shape[-1],
        _layers(network),
        any(type(layer).__name__ in SCALING_LAYERS for layer in network.layers),
    )


def _check(model: "keras.Model") -> None:
    """One image in, one row of scores out."""
    if not getattr(model, "inputs", None) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError("The model must be functional or sequential, built, with one input and one output.")
    shape, out = tuple(model.inputs[0].shape), tuple(model.outputs[0].shape)
    low, high = SIDES
    if len(shape) != 4 or shape[3] not in (1, 3) or not all(side and low <= side <= high for side in shape[1:3]):
        raise ModelError(
            f"The model takes {shape}; (batch, height, width, 1 or 3) with fixed sides of {low} to {high} would work."
        )
    if len(out) != 2 or not out[1]:
        raise ModelError(f"The model returns {out}; (batch, classes) would work.")


def _layers(network: "keras.Model") -> tuple[str, ...]:
    """The last telling layer of each resolution, the coarsest first."""
    found: dict[tuple[int, int], str] = {}
    for layer in network.layers:
        shape: Any = getattr(layer.output, "shape", ())
        plain = type(layer).__name__ in _PLAIN_LAYERS or type(layer).__name__.startswith("Random")
        if len(shape) == 4 and shape[1] and shape[1] > 1 and not plain:
            found[shape[1:3]] = layer.name
    if not found:
        raise ModelError("The model has no layer with a picture-like output, so heatmaps have no place to be taken at.")
    return tuple(reversed(found.values()))[:MOST_LAYERS]


def add_model(
    brought: Brought, *, title: str, classes: tuple[str, ...], region: Region, scaling: Scaling, folder: Path | None = None
) -> Card:
    """Keep the network with a small card; it is at hand on every page afterwards. Returns the card.

    classes: names in the order of the outputs; of one unit (negative, positive). Raises ModelError for an unusable title,
    for names that do not fit the outputs, and where nothing can be written.
    """
    require_own_host("Importing a model")
    key = user_model_key(title)
    wanted = max(2, brought.units)
    if len(set(classes)) != wanted or len(classes) != wanted or not all(classes):
        raise ModelError(f"The model tells {wanted} classes apart; received the names {', '.join(classes) or 'none'}.")
    card = Card(
        key=key,
        title=title,
        summary="Imported from a file.",
        architecture=IMPORTED,
        classes=classes,
        preprocessing=Preprocessing(brought.size, brought.channels, region, scaling),
        explanation_layers=brought.layers,
        temperature=1.0,
        thresholds={},
        training={},
        weights_sha256="",  # known once it is written
        date=datetime.now(UTC).isoformat("T", "seconds"),
        version=__version__,
        limits=LIMITS,
    )
    return save_user_model(brought.network, card, folder)


def remove_model(key: str) -> None:
    """Forget a user's own model and what was measured about it. Raises HostError on a public copy."""
    require_own_host("Removing a model")
    for path in models_folder().glob(f"{key}.*"):
        path.unlink(missing_ok=True)
