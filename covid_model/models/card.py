"""Model cards: everything a reader of the weights must know, written by commands and read by everything else."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from covid_model.backends.base import EMBEDDING, LOGITS
from covid_model.errors import ModelError
from covid_model.files import write_json
from covid_model.images.preprocess import Preprocessing
from covid_model.models.calibration import HEADS, Head


@dataclass(frozen=True)
class Card:
    """One classifier's card.

    key, title, summary: what it is called and sees. architecture: builder name.
    classes: names in the order of the logits; a one-unit model has (negative, positive).
    preprocessing: how an image becomes its input. explanation_layers: layers heatmaps may be taken at, default first.
    temperature: logits are divided by it before softmax or sigmoid (Guo 2017), fitted on the validation split.
    thresholds: class -> {name of operating point: probability at and above which the image is called positive}.
    training: settings, data hash, split seed, images by label and source. scores: as `evaluation.report` wrote them.
    weights_sha256: digest of the weight file. date: ISO 8601 of training. version: project version that trained it.
    limits: sentences on what the model must not be used for or is known to get wrong.
    head: do the classes exclude one another (softmax; a sigmoid of one unit), or has each a probability of its own?
    """

    key: str
    title: str
    summary: str
    architecture: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    explanation_layers: tuple[str, ...]
    temperature: float
    thresholds: dict[str, dict[str, float]]
    training: dict[str, Any]
    weights_sha256: str
    date: str
    version: str
    limits: tuple[str, ...] = ()
    scores: dict[str, Any] = field(default_factory=dict)
    head: Head = "multiclass"

    @property
    def graph_outputs(self) -> tuple[str, ...]:
        """What the model's ONNX graph must be able to give: logits, embedding, and every explanation layer."""
        return (LOGITS, EMBEDDING, *self.explanation_layers)

    def with_calibration(self, temperature: float, thresholds: dict[str, dict[str, float]]) -> "Card":
        """The same card with temperature and operating points as fitted on the validation split."""
        return replace(self, temperature=temperature, thresholds=thresholds)

    def with_scores(self, scores: dict[str, Any]) -> "Card":
        """The same card with the scores of an evaluation."""
        return replace(self, scores=scores)


def write_card(card: Card, path: Path) -> None:
    """Write the card as JSON, in place of an older one only when complete."""
    write_json(path, asdict(card))


def read_card(path: Path) -> Card:
    """Read a card. Raises ModelError when it is absent, not JSON, or lacks or misstates a field."""
    try:
        cells = json.loads(path.read_text("utf-8"))
        spec = Preprocessing.read(cells["preprocessing"])
        lists = {name: tuple(cells[name]) for name in ("classes", "explanation_layers", "limits")}
        card = Card(**{**cells, **lists, "preprocessing": spec})
    except FileNotFoundError:
        raise ModelError(f"The model has no card: {path.name} is missing beside its weights.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path.name} is not a valid model card: {error}") from error
    if card.head not in HEADS:
        raise ModelError(f"{path.name} asks for an unknown head: {card.head!r}; {' or '.join(HEADS)} would work.")
    return card
