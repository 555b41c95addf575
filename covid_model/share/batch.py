"""Explain and test many films into a folder: files for each heatmap, one row a film, and never the same work twice."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pandas as pd

from covid_model.audit.record import load_record
from covid_model.audit.score import Case
from covid_model.audit.trust_tests import run_tests
from covid_model.audit.verdict import withheld
from covid_model.errors import FilmError
from covid_model.explain.engine import explain
from covid_model.explain.methods import get_method
from covid_model.explain.options import Setting
from covid_model.explain.overlay import write_overlay
from covid_model.files import write_json
from covid_model.films.read import read_film
from covid_model.gate.judge import admit
from covid_model.gate.measures import Measurer
from covid_model.predict import predict
from covid_model.share.record import base_row, method_row, view_json
from covid_model.zoo.classifier import Classifier

TABLE: Final = "explanations.parquet"
ROWS: Final = "rows"
"""Folder of finished rows, one JSON file a film: what a later run need not do again."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What to do with each film. options: settings by name, for the methods that know them.

    anyway: work on films that the gate refuses, too.
    """

    methods: tuple[str, ...]
    target: str | None = None
    layer: str | None = None
    seed: int = 0
    trust: bool = False
    options: Mapping[str, Setting] = field(default_factory=dict)
    anyway: bool = False

    def settings(self, classifier: Classifier) -> Row:
        """What a finished row must agree with to count as done."""
        return json.loads(json.dumps({**asdict(self), "weights": classifier.weights_digest}))

    def options_of(self, method: str) -> dict[str, Setting]:
        """The settings that this method knows."""
        known = {option.name for option in get_method(method).options}
        return {name: value for name, value in self.options.items() if name in known}


def explain_file(classifier: Classifier, measurer: Measurer, path: Path, job: Job, out: Path) -> tuple[Row, bool]:
    """Do the job for one film; returns its row and whether it was done before.

    Writes overlay PNG, raw map, layer map and JSON record for each method, with the trust scores where asked for, and last
    the row. A verdict withheld from the start saves the tests. Raises FilmError and ExplainError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FilmError(f"The file cannot be read: {error.strerror}.") from error
    settings, finished = job.settings(classifier), out / ROWS / f"{sha256(data).hexdigest()}.json"
    if finished.is_file():
        done: Row = json.loads(finished.read_text("utf-8"))
        if done["settings"] == settings:
            return done["row"], True
    film = read_film(data)
    answer = predict(classifier, film, ruling=admit(film, measurer, anyway=job.anyway))
    row = base_row(answer, str(path))
    measured = load_record(classifier.key, classifier.weights_digest) if job.trust else {}
    for method in job.methods:
        found = explain(
            classifier,
            answer,
            method=method,
            target=job.target,
            layer=job.layer,
            seed=job.seed,
            options=job.options_of(method),
        )
        # Films of several folders may share a name; the digest keeps them apart.
        stem = f"{path.stem}.{film.digest[:8]}.{method}"
        found.save(out, stem)
        write_overlay(film, found, out / f"{stem}.png")
        case = Case(classifier, film, answer, found, measured, seed=job.seed)
        scores = list(run_tests(case)) if job.trust and withheld(case) is None else []
        if job.trust:
            (out / f"{stem}.trust.json").write_text(view_json(case, scores), "utf-8")
        row |= method_row(case, scores, f"{stem}.json", trust=job.trust)
    finished.parent.mkdir(parents=True, exist_ok=True)
    write_json(finished, {"settings": settings, "row": row})
    return row, False


def write_table(rows: list[Row], out: Path) -> Path:
    """All rows as `explanations.parquet`, one a film."""
    path = out / TABLE
    pd.DataFrame(rows).to_parquet(path, index=False)
    return path
