"""How often people who read an image again disagree with its label."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from covid_model.data.browse import ManifestTable
from covid_model.data.description import Description, describe
from covid_model.data.manifest import second_reads_of
from covid_model.evaluation.bootstrap import share_interval


def label_noise(images: ManifestTable) -> dict[str, dict[str, Any]]:
    """Label -> `read_as` (label -> images) and `differs` (an interval by patient) of its images that people read again.

    Labels are those of the source: a manifest may have followed the second reads since. Empty where there are none.
    """
    rows = pd.DataFrame(second_reads_of(images.path), columns=["label", "patient", "again"])
    found = {}
    for label, reads in rows.groupby("label"):
        differs = share_interval(reads["patient"].to_numpy(str), (reads["again"] != label).to_numpy(np.float64))
        found[str(label)] = {
            "read_as": {str(name): int(count) for name, count in reads["again"].value_counts().items()},
            "differs": asdict(differs),
        }
    return found


def describe_with_noise(images: ManifestTable) -> Description:
    """`data.description.describe`, and what second reads say of the labels."""
    return replace(describe(images), second_reads=label_noise(images))
