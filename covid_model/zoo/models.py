"""The MODELS table: every classifier of the zoo, for pages, command line, training, docs and tests alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from covid_model.data.labels import LABELS
from covid_model.errors import ModelError
from covid_model.films.preprocess import Preprocessing

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class ModelRow:
    """What is fixed about a model before it is trained; the rest stands in its card.

    build: makes the untrained flat functional graph, input `film`, output `logits`; imports Keras only when called.
    """

    key: str
    title: str
    summary: str
    architecture: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    explanation_layers: tuple[str, ...]
    build: Callable[[], "keras.Model"]
    limits: tuple[str, ...]

    @property
    def weights_name(self) -> str:
        """File name of the weights, in whatever folder they lie."""
        return f"{self.key}.keras"

    @property
    def card_name(self) -> str:
        """File name of the card beside the weights."""
        return f"{self.key}.card.json"


def _lite0() -> "keras.Model":
    from covid_model.zoo.lite0 import build_lite0

    return build_lite0(len(LABELS))


_LITE0_LAYERS: Final = ("top", "block5c", "block4c", "block3b")
_NO_DIAGNOSIS: Final = "Research software: never a diagnosis, never a reason to treat or not to treat."
_FEW_SOURCES: Final = "Trained on four public sources; on films of other hospitals expect far lower scores."

MODELS: Final[dict[str, ModelRow]] = {
    row.key: row
    for row in (
        ModelRow(
            "lungs",
            "Lungs only",
            "Sees only the segmented lungs: cropped to them, contrast set by them, everything outside set to black.",
            "efficientnet-lite0",
            LABELS,
            Preprocessing(size=(224, 224), channels=3, region="lungs", scaling="signed"),
            _LITE0_LAYERS,
            _lite0,
            (_NO_DIAGNOSIS, _FEW_SOURCES, "Needs both lungs found; the shape of the lung mask itself still tells age."),
        ),
        ModelRow(
            "whole-film",
            "Whole film",
            "Sees the whole film, markers, borders and all: the way most published models do it.",
            "efficientnet-lite0",
            LABELS,
            Preprocessing(size=(224, 224), channels=3, region="film", scaling="signed"),
            _LITE0_LAYERS,
            _lite0,
            (
                _NO_DIAGNOSIS,
                _FEW_SOURCES,
                "Can recognise the hospital, the scanner and the age instead of the disease.",
            ),
        ),
    )
}
"""The first row is the default model."""

DEFAULT_MODEL: Final = next(iter(MODELS))


def get_model(key: str) -> ModelRow:
    """The row of MODELS called `key`; ModelError names the known ones."""
    try:
        return MODELS[key]
    except KeyError:
        raise ModelError(f"Unknown model {key!r}; known models: {', '.join(MODELS)}.") from None
