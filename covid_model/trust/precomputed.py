"""Trust scores that ship: of every synthetic image with every shipped model and the default method.

`build.trust_scores` writes them with digests of all that they depend on, so that nobody waits for the first verdict. Where
anything has changed since, they are ignored and the tests run.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from covid_model.backends.graphs import graph_path, record_path
from covid_model.errors import ModelError
from covid_model.files import code_sha256, file_sha256
from covid_model.models.user_models import folder_of
from covid_model.settings import ASSETS, PACKAGE, WEIGHTS
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS

SCORES: Final = ASSETS / "scores"

CODE: Final = ("trust", "explain/methods", "lungs")
"""Folders of the package whose code the scores depend on."""
APART: Final = (
    *("verdict.py", "precomputed.py", "benchmark.py", "ledger.py"),
    *("region.py", "likeness.py", "label_set.py", "promises.py"),
)
"""Files there that change no score."""
BESIDE: Final = ("audit.json", "source.json")
"""Files beside a model's weights that its scores depend on."""


@dataclass(frozen=True)
class Precomputed:
    """Scores of one heatmap. method, target, layer, options: as in Explanation; all else is the default."""

    method: str
    target: str
    layer: str
    options: dict[str, Any]
    scores: dict[str, TrustScore]

    def is_of(self, inputs: TrustInput) -> bool:
        """Are these the scores of this heatmap? Outlined lesions and another seed make others."""
        found = inputs.explanation
        same = (found.method, found.target, found.layer, found.options) == (
            self.method,
            self.target,
            self.layer,
            self.options,
        )
        return same and inputs.lesions is None and inputs.seed == found.seed == 0


def scores_path(model: str, folder: Path = SCORES) -> Path:
    """Where the scores of a model are kept."""
    return folder / f"{model}.json"


def made_from(model: str, weights_sha256: str) -> dict[str, str]:
    """Digests of all that the scores of a model depend on, but for the image: weights, graph, records, lungs, code."""
    folder = folder_of(model)
    found = {"weights": weights_sha256, "code": _code_sha256()}
    beside = [folder / f"{model}.{name}" for name in BESIDE]
    lungs = [record_path(graph_path(WEIGHTS, "lungs-unet")), WEIGHTS / "lungs-unet.card.json", WEIGHTS / "input_check.npz"]
    for path in (record_path(graph_path(folder, model)), *beside, *lungs):
        found[path.name] = file_sha256(path) if path.is_file() else "none"
    return found


def precomputed_scores(inputs: TrustInput, folder: Path = SCORES) -> dict[str, TrustScore]:
    """The shipped scores of a heatmap by test, in the table's order; empty where there are none for exactly this one."""
    found = inputs.explanation
    shipped = _shipped(found.model, found.model_digest, folder).get(found.image_digest)
    if shipped is None or not shipped.is_of(inputs):
        return {}
    return {key: shipped.scores[key] for key in TRUST_TESTS if key in shipped.scores}


@lru_cache(maxsize=32)
def _shipped(model: str, weights_sha256: str, folder: Path) -> dict[str, Precomputed]:
    """The scores of a model by image digest; empty where the file is missing or damaged, or was made from something else."""
    try:
        record = json.loads(scores_path(model, folder).read_text("utf-8"))
        if record["made_from"] != made_from(model, weights_sha256):
            return {}
        return {row.pop("image"): _read(row) for row in record["heatmaps"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ModelError):
        return {}


def _read(row: dict[str, Any]) -> Precomputed:
    scores = {cells["key"]: TrustScore(**cells) for cells in row.pop("scores")}
    return Precomputed(**row, scores=scores)


def _sources() -> Iterator[Path]:
    for folder in CODE:
        yield from sorted(path for path in (PACKAGE / folder).rglob("*.py") if path.name not in APART)


@lru_cache(maxsize=1)
def _code_sha256() -> str:
    """Digest of the code that the scores depend on."""
    return code_sha256(_sources())
