"""How often people who read an image again disagree with its label."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from covid_model.data.browse import ManifestTable
from covid_model.data.description import Description, describe
from covid_model.data.manifest import SECOND_READ
from covid_model.evaluation.bootstrap import mean_interval


def label_noise(images: ManifestTable) -> dict[str, dict[str, Any]]:
    """Label -> `read_as` (label -> images) and `differs` (an interval by patient) of its images that people read again.

    Empty where the manifest has no second reads.
    """
    if SECOND_READ not in images.columns:
        return {}
    rows = images.ask(f"SELECT label, patient, {SECOND_READ} AS again FROM images WHERE {SECOND_READ} <> ''")
    found = {}
    for label, reads in rows.groupby("label"):
        differs = (reads["again"] != label).to_numpy(np.float64)
        found[str(label)] = {
            "read_as": {str(name): int(count) for name, count in reads["again"].value_counts().items()},
            "differs": asdict(mean_interval(reads["patient"].to_numpy(str), differs)),
        }
    return found


def describe_with_noise(images: ManifestTable) -> Description:
    """`data.description.describe`, and what second reads say of the labels."""
    return replace(describe(images), second_reads=label_noise(images))
