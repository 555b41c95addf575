"""User models beside the shipped ones: imported files, and registered runs."""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from covid_model.backends.graphs import graph_path, write_graph
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.errors import ModelError
from covid_model.files import file_sha256
from covid_model.models.card import Card, read_card, write_card
from covid_model.models.specs import MODELS, ModelSpec, get_model
from covid_model.settings import WEIGHTS, models_folder

if TYPE_CHECKING:
    import keras

IMPORTED: Final = "imported"
"""The architecture on the card of an imported model."""


def user_model_key(title: str) -> str:
    """The key of a user model from its title. Raises ModelError where the key is empty or taken.

    >>> user_model_key("My CNN, v2")
    'my-cnn-v2'
    """
    key = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    if not key or key in MODELS:
        raise ModelError(
            f"{title!r} cannot be its name; letters or digits that name no model of the MODELS table would work."
        )
    return key


def save_user_model(network: "keras.Model", card: Card, folder: Path | None = None) -> Card:
    """Put a network and its card into the user's folder (or `folder`); returns the card with the digest of what was written.

    Its ONNX graph is written as well; a network that cannot be exported is answered by TensorFlow. Raises ModelError where
    nothing can be written.
    """
    folder = folder or models_folder()
    weights = folder / f"{card.key}.keras"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        network.save(weights)
    except OSError as error:
        raise ModelError(f"The model cannot be kept in {folder}: {error.strerror}.") from error
    card = replace(card, weights_sha256=file_sha256(weights), float16=False, replication=False, claimed=None, ships=False)
    write_card(card, folder / f"{card.key}.card.json")
    with suppress(ModelError, OSError):
        write_graph(TensorFlowBackend(network), card.graph_outputs, graph_path(folder, card.key), card.weights_sha256)
    return card


def _own() -> dict[str, ModelSpec]:
    """The cards of the user's own models, which are their specs."""
    rows: dict[str, ModelSpec] = {}
    for path in sorted(models_folder().glob("*.card.json")):
        try:
            card = read_card(path)
        except ModelError:
            continue  # a damaged card hides its model and nothing else
        if card.key not in MODELS:
            rows[card.key] = card
    return rows


def known_models() -> dict[str, ModelSpec]:
    """All shipped and user models by key."""
    return MODELS | _own()


def row_of(key: str) -> ModelSpec:
    """The spec of a shipped or user model. Raises ModelError, naming the known ones, for an unknown key."""
    return get_model(key) if key in MODELS else get_model(key, known_models())


def folder_of(key: str) -> Path:
    """The folder of a model's weights and card: the user's where it has them, else the shipped one."""
    own = models_folder()
    return own if (own / f"{key}.card.json").is_file() else WEIGHTS


def available_models() -> dict[str, str]:
    """Key -> title of every model with weights and card, shipped ones first."""
    rows = known_models().values()
    return {
        row.key: row.title
        for row in rows
        if all((folder_of(row.key) / name).is_file() for name in (row.weights_name, row.card_name))
    }
