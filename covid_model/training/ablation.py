"""What each change of a recipe brings: cross-validations beside the first of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from covid_model import __version__
from covid_model.errors import RunError
from covid_model.evaluation.report import rounded
from covid_model.training.config import TrainConfig
from covid_model.training.cross_validation import PREDICTIONS, RECORD
from covid_model.training.held_out import differences, scores

UNTOLD: Final = ("augmentation_ranges", "log_every", "base")
"""Settings that follow from others or change no result."""

DEFAULTS: Final = {setting.name: setting.default for setting in fields(TrainConfig)}
"""What a record has not written down that is older than the setting."""


def told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a training by which one differs from another."""
    return {name: value for name, value in settings.items() if name not in UNTOLD}


def ships(steps: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[bool]:
    """Which steps of an `ablation` have the settings of a model. settings: of its training, as on its card."""
    first = DEFAULTS | dict(steps[0]["settings"])
    return [told(first | step["settings"]) == told(DEFAULTS | dict(settings)) for step in steps]


def ablation(steps: Mapping[str, Path]) -> dict[str, Any]:
    """Each step's scores, and by how much they differ from those of the first step, with intervals by patient.

    steps: title -> the folder of its `cross_validate`; the first is what all others are compared with. A change is measured
    on the images that both have scored, by the same draws of patients, and is empty where the predictions of either are not
    kept. Where they are, scores are computed anew, so that all steps have the same ones. `settings` holds those that are not
    as in the first step. Raises RunError for a folder without a finished cross-validation.
    """
    found: list[dict[str, Any]] = []
    rows: pd.DataFrame | None = None
    settings: dict[str, Any] = {}
    for title, folder in steps.items():
        if not (folder / RECORD).is_file():
            raise RunError(f"{folder} has no finished cross-validation; run `cross-validate` with this folder first.")
        record = json.loads((folder / RECORD).read_text("utf-8"))
        own = told(record["settings"])
        kept = folder / PREDICTIONS
        scored = pd.read_parquet(kept) if kept.is_file() else None
        found.append(
            {
                "title": title,
                "settings": {name: value for name, value in own.items() if settings.get(name) != value},
                **{name: record[name] for name in ("date", "data_hash", "version")},
                "scores": record["scores"] if scored is None else scores(scored),
                "change": {} if rows is None or scored is None else differences(scored, rows),
            }
        )
        if len(found) == 1:
            rows, settings = scored, DEFAULTS | own
    return rounded({"steps": found, "date": datetime.now(UTC).isoformat("T", "seconds"), "version": __version__})
