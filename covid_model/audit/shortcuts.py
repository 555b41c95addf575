"""Shortcut audit: can the finding be told from images without lungs, or from what is no image? `audit --shortcuts`.

Small classifiers are fitted on a model's frozen features of altered images and tested on each alteration (Maguolo & Nanni
2021, arXiv 2004.12823; Sourget 2024, arXiv 2412.04030).
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.audit.outline import is_about, made_from
from covid_model.audit.shortcut_features import (
    ALTERED,
    HISTOGRAM,
    MARKED,
    REMOVED,
    SHUFFLED,
    SILHOUETTE,
    THUMBNAIL,
    WHOLE,
    Features,
    shortcut_features,
)
from covid_model.audit.shortcut_probes import FINDING, TOGETHER, Probes
from covid_model.data.check import check_leakage
from covid_model.data.manifest import data_hash
from covid_model.errors import DataError
from covid_model.evaluation.groups import GROUPINGS
from covid_model.evaluation.report import rounded
from covid_model.evaluation.stored import SHORTCUTS
from covid_model.files import write_json
from covid_model.models.classifier import Classifier

METADATA: Final = "view, sex and age"
MOST: Final = 1500


@dataclass(frozen=True)
class Measured:
    """What the rows of the audit are computed from. table: the manifest. rows: its images that are used.

    record: what is known of the model and the rows measured so far.
    """

    table: pd.DataFrame
    rows: pd.DataFrame
    features: Features
    probes: Probes
    record: dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One row of the audit. needs: features that it is computed from."""

    needs: tuple[str, ...]
    measure: Callable[[Measured], Any]


def audit_shortcuts(classifier: Classifier, table: pd.DataFrame, out: Path, most: int = MOST) -> dict[str, Any]:
    """Write `shortcuts.json` to `out` and return its content; an interrupted call continues.

    Rows that `out` already holds of the same weights, outlines and images are kept. most: images that are used at most,
    evenly chosen. Raises DataError where the training or test images do not hold the finding and others.
    """
    rows = table[table["split"].isin(["train", "test"])].reset_index(drop=True)
    rows = rows.iloc[:: max(1, -(-len(rows) // most))].reset_index(drop=True)
    for split in ("train", "test"):
        if len(set(rows.loc[rows["split"] == split, "label"] == FINDING)) < 2:
            raise DataError(f"The manifest needs {split} images with {FINDING} and with other labels.")
    about: dict[str, Any] = {
        "model": classifier.key,
        **made_from(classifier),
        "data_hash": data_hash(table),
        "finding": FINDING,
        "without_lungs": SILHOUETTE if classifier.card.preprocessing.region == "lungs" else REMOVED,
        "images": {split: int((rows["split"] == split).sum()) for split in ("train", "test")},
    }
    record = about | _kept(out / SHORTCUTS, about)
    missing = {key: row for key, row in ROWS.items() if key not in record}
    names = list(dict.fromkeys(name for row in missing.values() for name in row.needs))
    parts = out / "shortcuts.parts"
    features = shortcut_features(classifier, rows, names, parts) if names else {}
    measured = Measured(table, rows, features, Probes(rows), record)
    for key, row in missing.items():
        record[key] = row.measure(measured)
    record |= {"date": datetime.now(UTC).isoformat("T", "seconds"), "version": __version__}
    report: dict[str, Any] = rounded(record)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / SHORTCUTS, report)
    if parts.is_dir():
        shutil.rmtree(parts)
    return report


def _kept(path: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of an earlier record of the same weights, outlines and images; none where there is no such record."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    same = isinstance(found, dict) and is_about(found, about)
    return {key: found[key] for key in ROWS if key in found} if same else {}


def metadata(rows: pd.DataFrame) -> NDArray[np.float32]:
    """(n, values) one column for each view, sex and age band."""
    groups = [pd.get_dummies(GROUPINGS[key].of(rows)) for key in ("view", "sex", "age")]
    return np.concatenate([part.to_numpy(np.float32) for part in groups], axis=1)


def _matrix(found: Measured) -> dict[str, dict[str, Any]]:
    altered = {name: found.features[name] for name in ALTERED}
    return {name: found.probes.aucs(features, altered) for name, features in altered.items()}


def _without_network(found: Measured) -> dict[str, Any]:
    parts = {name: found.features[name] for name in (THUMBNAIL, HISTOGRAM)} | {METADATA: metadata(found.rows)}
    return {name: found.probes.auc(values, values) for name, values in parts.items()}


def _told(found: Measured) -> dict[str, Any]:
    groups = {key: GROUPINGS[key].of(found.rows).to_numpy(str) for key in ("view", "sex", "age")}
    return {key: found.probes.told(found.features[WHOLE], names) for key, names in groups.items()}


def _elsewhere(found: Measured) -> dict[str, Any]:
    """What may be left of the AUC elsewhere, by estimate and as measured on sources that were not fitted on.

    estimate: AUC less what shuffled patches tell above chance, in the manner of Ong Ly 2024, 10.1038/s41746-024-01118-4.
    Too low where texture is disease, too high where a shortcut is a shape. measured: the lowest and the highest AUC of
    `between_sources` on one source that was not fitted on, None without such a cell. On two sources of one label each,
    telling the source would be enough.
    """
    matrix = found.record["matrix"]
    values = [
        cell["value"]
        for fitted, cells in found.record["between_sources"].items()
        for tested, cell in cells.items()
        if cell["value"] is not None and TOGETHER not in tested and tested != fitted
    ]
    return {
        "here": matrix[WHOLE][WHOLE],
        "shuffled": matrix[SHUFFLED][SHUFFLED],
        "estimate": found.probes.left_elsewhere(found.features[WHOLE], found.features[SHUFFLED]),
        "measured": {"cells": len(values), "low": min(values, default=None), "high": max(values, default=None)},
    }


def _leakage(found: Measured) -> dict[str, int]:
    """Patients in two splits, and near-duplicate images in two splits, of the whole manifest."""
    leakage = check_leakage(found.table)
    return {"images": len(found.table), "patients": len(leakage.patients), "near_duplicates": len(leakage.pairs)}


def _ratio(found: Measured) -> float | None:
    """What is above chance without lungs, as a share of what is above chance with them; None where nothing is."""
    own = {name: found.record["matrix"][name][name]["value"] for name in (WHOLE, found.record["without_lungs"])}
    above = own[WHOLE] - 0.5
    return float((own[found.record["without_lungs"]] - 0.5) / above) if above > 0 else None


ROWS: Final = {
    "matrix": Row(tuple(ALTERED), _matrix),
    "without_network": Row((THUMBNAIL, HISTOGRAM), _without_network),
    "source": Row(tuple(ALTERED), lambda found: {name: found.probes.source(found.features[name]) for name in ALTERED}),
    "leave_one_out": Row((WHOLE,), lambda found: found.probes.leave_one_out(found.features[WHOLE])),
    "marker_flips": Row((MARKED,), lambda found: found.probes.mean(found.features[MARKED][:, 0])),
    "shortcut_ratio": Row((), _ratio),
    "told": Row((WHOLE,), _told),
    "between_sources": Row((WHOLE,), lambda found: found.probes.between_sources(found.features[WHOLE])),
    "elsewhere": Row((WHOLE, SHUFFLED), _elsewhere),
    "leakage": Row((), _leakage),
}
"""Key in the record -> how it is measured. A row may read those above it."""
