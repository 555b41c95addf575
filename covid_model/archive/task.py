"""What is done with every image of an archive, and the columns of what is found."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from covid_model.archive.explained import explained
from covid_model.engines.work import Row, Work, name_of
from covid_model.errors import ExplainError
from covid_model.explain.methods import get_method
from covid_model.explain.target import resolve_target
from covid_model.models.card import Card, read_card
from covid_model.models.user_models import folder_of, row_of
from covid_model.share.batch import Job

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Task:
    """model: its key. model_digest: of the weights that every worker must have. heatmaps: the folder to save maps and
    overlays to, which on a cluster is one that all machines share; None for none.
    """

    model: str
    model_digest: str
    job: Job
    heatmaps: str | None = None

    @classmethod
    def of(cls, model: str, job: Job, heatmaps: Path | None = None) -> "Task":
        """The task, checked before any worker starts. Raises ModelError and ExplainError for what no image can change."""
        card = _card(model)
        if job.trust:
            raise ExplainError("Trust tests take seconds an image; run them on single images, without --images.")
        for method in job.methods:
            if get_method(method).needs_layer and job.layer and job.layer not in card.explanation_layers:
                known = ", ".join(card.explanation_layers)
                raise ExplainError(f"Layer {job.layer!r} is not an explanation layer of model {model!r}; choose {known}.")
        if job.target is not None:
            resolve_target(job.target, card.classes, len(card.classes), card.head)
        return cls(model, card.weights_sha256, job, str(heatmaps.absolute()) if heatmaps else None)

    @property
    def work(self) -> Work:
        """What a worker does with each image."""
        settings = {"job": asdict(self.job), "heatmaps": self.heatmaps}
        return Work(self.model, self.model_digest, name_of(explained), settings, len(self.job.methods))

    @property
    def method_digest(self) -> str:
        """sha256 hex of all that decides a row besides the image and the weights."""
        settings = {**asdict(self.job), "heatmaps": self.heatmaps is not None}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def stamped(self, row: Row) -> Row:
        """A worker's row with what it was made with."""
        digests = {"model_digest": self.model_digest, "method_digest": self.method_digest}
        return {"model": self.model, **digests, **row}

    def schema(self) -> "pa.Schema":
        """The columns of a row. Those of images that failed are null but for `address`, `error`, model and digests."""
        import pyarrow as pa

        text, number = pa.string(), pa.float64()
        columns = dict.fromkeys(("address", "error", "image", "model", "model_digest", "method_digest"), text)
        columns |= dict.fromkeys(("predicted", "head", "called"), text) | {"below_mark": pa.bool_()}
        columns |= {f"probability/{name}": number for name in _card(self.model).classes}
        columns |= dict.fromkeys(("lungs", "input_check"), text)
        for method in self.job.methods:
            columns |= {f"{method}/{name}": text for name in ("record", "target", "layer")}
            columns |= {f"{method}/{name}": number for name in ("seconds", "lung_share", "lung_share_by_chance")}
        return pa.schema(list(columns.items()))


def _card(model: str) -> Card:
    return read_card(folder_of(model) / row_of(model).card_name)
