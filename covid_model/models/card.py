"""Model cards: what is known of a model and its training, written by commands and read by everything else."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from covid_model.backends.base import EMBEDDING, LOGITS
from covid_model.errors import ModelError
from covid_model.files import write_json
from covid_model.images.preprocess import Preprocessing
from covid_model.models.calibration import HEADS
from covid_model.models.specs import MODELS, ModelSpec


@dataclass(frozen=True, kw_only=True)
class Card(ModelSpec):
    """One classifier's card: its spec, and what training adds.

    temperature: logits are divided by it before softmax or sigmoid (Guo 2017), fitted on the validation split.
    thresholds: class -> {name of operating point: probability at and above which the image is called positive}.
    training: settings, data hash, split seed, images by label and source. scores: as `evaluation.report` wrote them.
    weights_sha256: digest of the weight file. date: ISO 8601 of training. version: project version that trained it.
    """

    temperature: float
    thresholds: dict[str, dict[str, float]]
    training: dict[str, Any]
    weights_sha256: str
    date: str
    version: str
    scores: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: ModelSpec, **found: Any) -> "Card":
        """The card of a spec; `found` are the fields that training adds."""
        return cls(**_spec_fields(spec), **found)

    @property
    def graph_outputs(self) -> tuple[str, ...]:
        """Outputs that the model's ONNX graph needs: logits, embedding, and every explanation layer."""
        return (LOGITS, EMBEDDING, *self.explanation_layers)

    def with_calibration(self, temperature: float, thresholds: dict[str, dict[str, float]]) -> "Card":
        """The same card with temperature and operating points as fitted on the validation split."""
        return replace(self, temperature=temperature, thresholds=thresholds)

    def with_scores(self, scores: dict[str, Any]) -> "Card":
        """The same card with the scores of an evaluation."""
        return replace(self, scores=scores)


def _spec_fields(spec: ModelSpec) -> dict[str, Any]:
    """The fields of a spec that a card has: all but `build`, which is code and not data."""
    return {part.name: getattr(spec, part.name) for part in fields(ModelSpec) if part.name != "build"}


def write_card(card: Card, path: Path) -> None:
    """Write the card as JSON; an older file is replaced only by a complete one."""
    cells = asdict(card)
    del cells["build"]
    write_json(path, cells)


def read_card(path: Path) -> Card:
    """Read a card; what it does not say is as in the MODELS table, where that has the model.

    Raises ModelError when it is absent, not JSON, or lacks or misstates a field.
    """
    try:
        cells = json.loads(path.read_text("utf-8"))
        known = _spec_fields(MODELS[cells["key"]]) if cells["key"] in MODELS else {}
        preprocessing = Preprocessing.read(cells["preprocessing"])
        lists = {name: tuple(cells[name]) for name in ("classes", "explanation_layers", "limits")}
        card = Card(**{**known, **cells, **lists, "preprocessing": preprocessing})
    except FileNotFoundError:
        raise ModelError(f"The model has no card: {path.name} is missing beside its weights.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path.name} is not a valid model card: {error}") from error
    if card.head not in HEADS:
        raise ModelError(f"{path.name} asks for an unknown head: {card.head!r}; {' or '.join(HEADS)} would work.")
    return card
