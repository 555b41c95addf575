"""From the findings of a source to the project's three labels.

Each source maps its own findings (`Source.labels`). A finding without a label is left out of the manifest and counted, so
that no model is trained on a guess.
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
"""Common names of the three labels, letters and digits only."""


def common_label(name: str) -> Label | None:
    """The label that `name` usually means, or None.

    >>> common_label("Viral Pneumonia"), common_label("knees")
    ('Pneumonia', None)
    """
    return COMMON_NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def mapped_label(finding: str, labels: Mapping[str, Label]) -> Label | None:
    """The label of a finding by a source's table `labels`, or None.

    Of a path ("Pneumonia/Viral/COVID-19") the last part counts. Of several findings ("Infiltration|Pneumonia") the first
    label in the order of LABELS counts, but an image with another finding is never Normal.

    >>> mapped_label("Pneumonia/Viral/COVID-19", {"COVID-19": "COVID-19"})
    'COVID-19'
    >>> mapped_label("Infiltration|Pneumonia", {"Pneumonia": "Pneumonia", "No Finding": "Normal"})
    'Pneumonia'
    """
    steps = [part.strip().rsplit("/", 1)[-1] for part in finding.split("|")]
    found = {label for step in steps if (label := labels.get(step)) and (label != "Normal" or len(steps) == 1)}
    return min(found, key=LABELS.index, default=None)
