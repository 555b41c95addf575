"""Explain and test many images into a folder: files for each heatmap, one row an image, and never the same work twice."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pandas as pd

from covid_model.audit.record import load_record
from covid_model.audit.score import TrustInput
from covid_model.audit.trust_tests import run_tests
from covid_model.audit.verdict import withheld
from covid_model.errors import ImageError
from covid_model.explain.engine import explain
from covid_model.explain.methods import get_method
from covid_model.explain.options import Setting
from covid_model.explain.overlay import write_overlay
from covid_model.files import write_json
from covid_model.images.read import read_image
from covid_model.input_check.check import require_frontal
from covid_model.input_check.features import FeatureExtractor
from covid_model.models.classifier import Classifier
from covid_model.models.predict import predict
from covid_model.share.record import base_row, method_row, view_json

TABLE: Final = "explanations.parquet"
ROWS: Final = "rows"
"""Folder of finished rows, one JSON file an image: what a later run need not do again."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What to do with each image. options: settings by name, for the methods that know them.

    force: work on images that the input check refuses, too.
    """

    methods: tuple[str, ...]
    target: str | None = None
    layer: str | None = None
    seed: int = 0
    trust: bool = False
    options: Mapping[str, Setting] = field(default_factory=dict)
    force: bool = False

    def settings(self, classifier: Classifier) -> Row:
        """What a finished row must agree with to count as done."""
        return json.loads(json.dumps({**asdict(self), "weights": classifier.weights_digest}))

    def options_of(self, method: str) -> dict[str, Setting]:
        """The settings that this method knows."""
        known = {option.name for option in get_method(method).options}
        return {name: value for name, value in self.options.items() if name in known}


def explain_file(classifier: Classifier, extractor: FeatureExtractor, path: Path, job: Job, out: Path) -> tuple[Row, bool]:
    """Do the job for one image; returns its row and whether it was done before.

    Writes overlay PNG, raw map, layer map and JSON record for each method, with the trust scores where asked for, and last
    the row. A verdict withheld from the start saves the tests. Raises ImageError and ExplainError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"The file cannot be read: {error.strerror}.") from error
    settings, finished = job.settings(classifier), out / ROWS / f"{sha256(data).hexdigest()}.json"
    if finished.is_file():
        done: Row = json.loads(finished.read_text("utf-8"))
        if done["settings"] == settings:
            return done["row"], True
    image = read_image(data)
    prediction = predict(classifier, image, input_check=require_frontal(image, extractor, force=job.force))
    row = base_row(prediction, str(path))
    measured = load_record(classifier.key, classifier.weights_digest) if job.trust else {}
    for method in job.methods:
        found = explain(
            classifier,
            prediction,
            method=method,
            target=job.target,
            layer=job.layer,
            seed=job.seed,
            options=job.options_of(method),
        )
        # Images of several folders may share a name; the digest keeps them apart.
        stem = f"{path.stem}.{image.digest[:8]}.{method}"
        found.save(out, stem)
        write_overlay(image, found, out / f"{stem}.png")
        inputs = TrustInput(classifier, image, prediction, found, measured, seed=job.seed)
        scores = list(run_tests(inputs)) if job.trust and withheld(inputs) is None else []
        if job.trust:
            (out / f"{stem}.trust.json").write_text(view_json(inputs, scores), "utf-8")
        row |= method_row(inputs, scores, f"{stem}.json", trust=job.trust)
    finished.parent.mkdir(parents=True, exist_ok=True)
    write_json(finished, {"settings": settings, "row": row})
    return row, False


def write_table(rows: list[Row], out: Path) -> Path:
    """All rows as `explanations.parquet`, one an image."""
    path = out / TABLE
    pd.DataFrame(rows).to_parquet(path, index=False)
    return path
