"""Explain and test many images into a folder: files for each heatmap, one row an image; finished work is not repeated."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from covid_model.api.model import Model
from covid_model.api.result import Result
from covid_model.backends.base import Progress, silent
from covid_model.explain.methods import get_method
from covid_model.explain.options import Setting
from covid_model.files import write_json
from covid_model.images.read import file_bytes, read_image
from covid_model.images.xray_image import XrayImage
from covid_model.models.predict import Prediction

TABLE: Final = "explanations.parquet"
ROWS: Final = "rows"
"""Folder of finished rows, one JSON file an image: what a later run need not do again."""

BatchRow = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What to do with each image. options: settings by name, for the methods that have them.

    trust: run the trust tests. force: also explain images that the input check refuses.
    """

    methods: tuple[str, ...]
    target: str | None = None
    layer: str | None = None
    seed: int = 0
    trust: bool = False
    options: Mapping[str, Setting] = field(default_factory=dict)
    force: bool = False

    def settings(self, weights_digest: str) -> BatchRow:
        """The settings of the job and the model's digest as JSON values; what was made with others is not this work."""
        return json.loads(json.dumps({**asdict(self), "weights": weights_digest}))

    def options_of(self, method: str) -> dict[str, Setting]:
        """The options that this method has."""
        known = {option.name for option in get_method(method).options}
        return {name: value for name, value in self.options.items() if name in known}


def explain_file(model: Model, path: Path, job: Job, out: Path, progress: Progress = silent) -> tuple[BatchRow, bool]:
    """Do the job for one image; returns its row and whether it was done before.

    Writes what `Result.save` writes for each method, with the trust scores where asked for, and last the row. A verdict
    withheld from the start saves the tests. progress: called between parts of long work; what it raises cancels.
    Raises ImageError and ExplainError.
    """
    data = file_bytes(path)
    settings, finished = job.settings(model.classifier.weights_digest), out / ROWS / f"{sha256(data).hexdigest()}.json"
    if finished.is_file():
        done: BatchRow = json.loads(finished.read_text("utf-8"))
        if done["settings"] == settings:
            return {**done["row"], "file": str(path)}, True  # the same image may lie in several places
    image = read_image(data)
    prediction = model.predict(image, force=job.force)
    row = {"file": str(path), **prediction_row(prediction)}
    for result in heatmaps(model, image, job, prediction, progress):
        if job.trust:
            result.verdict(progress)
        # Images of several folders may share a name; the digest keeps them apart.
        record = result.save(out, f"{path.stem}.{image.digest[:8]}.{result.explanation.method}")
        row |= method_row(result, record.name, trust=job.trust)
    finished.parent.mkdir(parents=True, exist_ok=True)
    write_json(finished, {"settings": settings, "row": row})
    return row, False


def heatmaps(
    model: Model, image: XrayImage, job: Job, prediction: Prediction, progress: Progress = silent
) -> Iterator[Result]:
    """The heatmap of each method of the job, made as they are asked for. Raises ExplainError."""
    for method in job.methods:
        yield model.explain(
            image,
            method,
            job.target,
            layer=job.layer,
            seed=job.seed,
            prediction=prediction,
            options=job.options_of(method),
            progress=progress,
        )


def prediction_row(prediction: Prediction) -> BatchRow:
    """The columns of an image that no method changes."""
    return {
        "image": prediction.image_digest,
        "model": prediction.model,
        "model_digest": prediction.weights_digest,
        "predicted": prediction.predicted,
        "head": prediction.head,
        "called": prediction.called_text,
        "below_mark": prediction.below_mark,
        **{f"probability/{name}": value for name, value in prediction.probabilities.items()},
        "lungs": prediction.prepared.lungs.quality,
        "input_check": prediction.input_check.kind if prediction.input_check else None,
    }


def method_row(result: Result, record: str | None = None, *, trust: bool = False) -> BatchRow:
    """The columns of one method. record: where it was saved. trust: add verdict, reason and the tests."""
    found, share = result.explanation, result.lung_share
    row: BatchRow = {
        "record": record,
        "target": found.target,
        "layer": found.layer,
        "seconds": found.seconds,
        "lung_share": share.inside if share else None,
        "lung_share_by_chance": share.chance if share else None,
    }
    if trust:
        judged = result.verdict()
        row |= {"verdict": judged.word, "why": judged.why}
    for score in result.scores.values():
        row |= {f"trust/{score.key}": score.value, f"trust/{score.key}/outcome": score.outcome}
    return {f"{found.method}/{name}": value for name, value in row.items()}


def write_table(rows: list[BatchRow], out: Path) -> Path:
    """All rows as `explanations.parquet`, one an image, without pandas, which takes longer to import than to write."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, columns = out / TABLE, dict.fromkeys(name for row in rows for name in row)
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in columns}), path)
    return path
