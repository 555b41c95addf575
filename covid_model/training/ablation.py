"""What each step of a recipe changes: cross-validations one after another, each beside the one before."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from covid_model import __version__
from covid_model.errors import RunError
from covid_model.evaluation.report import rounded
from covid_model.training.cross_validation import PREDICTIONS, RECORD
from covid_model.training.held_out import differences

UNTOLD: Final = ("augmentation_ranges", "log_every", "base")
"""Settings that follow from others or change no result."""


def ablation(steps: Mapping[str, Path]) -> dict[str, Any]:
    """Each step's scores, and what they rose by since the step before it, with intervals by patient.

    steps: title -> the folder of its `cross_validate`, in their order. A change is measured on the images that both have
    scored, by the same draws of patients; `settings` holds those that are not as in the step before. Raises RunError for a
    folder without a finished cross-validation.
    """
    found: list[dict[str, Any]] = []
    rows: pd.DataFrame | None = None
    settings: dict[str, Any] = {}
    for title, folder in steps.items():
        if not (folder / RECORD).is_file():
            raise RunError(f"{folder} has no finished cross-validation; run `cross-validate` with this folder first.")
        record = json.loads((folder / RECORD).read_text("utf-8"))
        told = {name: value for name, value in record["settings"].items() if name not in UNTOLD}
        scored = pd.read_parquet(folder / PREDICTIONS)
        found.append(
            {
                "title": title,
                "settings": {name: value for name, value in told.items() if settings.get(name) != value},
                **{name: record[name] for name in ("date", "data_hash", "version", "scores")},
                "change": {} if rows is None else differences(scored, rows),
            }
        )
        rows, settings = scored, told
    return rounded({"steps": found, "date": datetime.now(UTC).isoformat("T", "seconds"), "version": __version__})
