"""From the words of a source to the project's three labels.

Each source maps its own findings (`Source.labels`). A finding that no table names is left out of the manifest and counted,
so that nobody trains on a guess.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

Label = Literal["COVID-19", "Pneumonia", "Normal"]

LABELS: Final[tuple[Label, ...]] = ("COVID-19", "Pneumonia", "Normal")
"""Class order of every three-class model."""

COMMON_NAMES: Final[Mapping[str, Label]] = {
    "covid": "COVID-19",
    "covid19": "COVID-19",
    "covid19pneumonia": "COVID-19",
    "sarscov2": "COVID-19",
    "pneumonia": "Pneumonia",
    "viralpneumonia": "Pneumonia",
    "bacterialpneumonia": "Pneumonia",
    "normal": "Normal",
    "healthy": "Normal",
    "nofinding": "Normal",
    "negative": "Normal",
}
"""What people call the three labels, letters and digits only."""


def common_label(name: str) -> Label | None:
    """The label that people usually mean by `name`.

    >>> common_label("Viral Pneumonia"), common_label("knees")
    ('Pneumonia', None)
    """
    return COMMON_NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def mapped_label(finding: str, labels: Mapping[str, Label]) -> Label | None:
    """The label of a finding by a source's table, or None.

    Of a path ("Pneumonia/Viral/COVID-19") the last step decides. Of several findings ("Infiltration|Pneumonia") the first
    label in the order of LABELS counts, but an image with another finding is never Normal.

    >>> mapped_label("Infiltration|Pneumonia", {"Pneumonia": "Pneumonia", "No Finding": "Normal"})
    'Pneumonia'
    """
    steps = [part.strip().rsplit("/", 1)[-1] for part in finding.split("|")]
    found = {label for step in steps if (label := labels.get(step)) and (label != "Normal" or len(steps) == 1)}
    return min(found, key=LABELS.index, default=None)
