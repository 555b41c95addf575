"""Models that a user put beside the shipped ones: imported files, and networks of the zoo trained here."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from covid_model.errors import ModelError
from covid_model.zoo.card import WEIGHTS, Card, read_card
from covid_model.zoo.models import MODELS, NOT_COVID, REST, ModelRow, get_model

if TYPE_CHECKING:
    import keras

OWN_FOLDER: Final = "COVID_XRAY_MODELS"
"""Environment variable that names the folder of a user's models; by default `models` in the working directory."""
IMPORTED: Final = "imported"
"""The architecture on the card of a model that came as a file."""


def own_folder() -> Path:
    """Where a user's models lie, weights and card side by side."""
    return Path(os.environ.get(OWN_FOLDER, "models"))


def _not_to_build() -> "keras.Model":
    raise ModelError("An imported model comes with its weights and cannot be built anew.")


def _row_of(card: Card) -> ModelRow:
    """The row of an imported model, from its card."""
    return ModelRow(
        card.key,
        card.title,
        card.summary,
        card.architecture,
        card.classes,
        card.preprocessing,
        card.explanation_layers,
        _not_to_build,
        card.limits,
        merges=REST if NOT_COVID in card.classes else {},
        ships=False,
    )


def _imported() -> dict[str, ModelRow]:
    rows = {}
    for path in sorted(own_folder().glob("*.card.json")):
        try:
            card = read_card(path)
        except ModelError:
            continue  # a damaged card hides its model and nothing else
        if card.architecture == IMPORTED and card.key not in MODELS:
            rows[card.key] = _row_of(card)
    return rows


def known_models() -> dict[str, ModelRow]:
    """Every model of the zoo and every imported one, by key."""
    return MODELS | _imported()


def row_of(key: str) -> ModelRow:
    """The row of a model of the zoo or an imported one. Raises ModelError that names the known ones."""
    return get_model(key) if key in MODELS else get_model(key, known_models())


def folder_of(key: str) -> Path:
    """Where the weights and card of a model lie: the user's folder where it has them, else the shipped ones."""
    own = own_folder()
    return own if (own / f"{key}.card.json").is_file() else WEIGHTS


def models_at_hand() -> dict[str, str]:
    """Key -> title of every model with weights and card, shipped ones first."""
    rows = known_models().values()
    return {
        row.key: row.title
        for row in rows
        if all((folder_of(row.key) / name).is_file() for name in (row.weights_name, row.card_name))
    }
