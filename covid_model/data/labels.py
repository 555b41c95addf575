"""The visible table from each source's own findings to the project's three labels.

A finding that stands in no row is left out of the manifest and counted, so that nobody trains on a guess.
"""

from collections.abc import Mapping
from typing import Final, Literal

Label = Literal["COVID-19", "Pneumonia", "Normal"]

LABELS: Final[tuple[Label, ...]] = ("COVID-19", "Pneumonia", "Normal")
"""Class order of every three-class model."""

COHEN_FINDINGS: Final[Mapping[str, Label]] = {
    "COVID-19": "COVID-19",
    "COVID-19, ARDS": "COVID-19",
    "No Finding": "Normal",
    "Pneumonia": "Pneumonia",
    "Bacterial": "Pneumonia",
    "Viral": "Pneumonia",
    "Fungal": "Pneumonia",
    "SARS": "Pneumonia",
    "MERS-CoV": "Pneumonia",
    "Influenza": "Pneumonia",
    "H1N1": "Pneumonia",
    "Varicella": "Pneumonia",
    "Herpes": "Pneumonia",
    "Streptococcus": "Pneumonia",
    "Staphylococcus": "Pneumonia",
    "MRSA": "Pneumonia",
    "Klebsiella": "Pneumonia",
    "Legionella": "Pneumonia",
    "Mycoplasma": "Pneumonia",
    "Chlamydophila": "Pneumonia",
    "E.Coli": "Pneumonia",
    "Nocardia": "Pneumonia",
    "Pneumocystis": "Pneumonia",
    "Aspergillosis": "Pneumonia",
    "Aspiration": "Pneumonia",
    "Lipoid": "Pneumonia",
}
"""covid-chestxray-dataset, column `finding`. ARDS without a cause, tuberculosis, `todo` and `Unknown` are left out."""

KERMANY_FOLDERS: Final[Mapping[str, Label]] = {"NORMAL": "Normal", "PNEUMONIA": "Pneumonia"}
"""chest_xray: the class folder."""


def cohen_label(finding: str) -> Label | None:
    """Label of a covid-chestxray-dataset finding, or None.

    Later versions of that table write a path ("Pneumonia/Viral/COVID-19"); its last step decides.
    """
    return COHEN_FINDINGS.get(finding.strip().rsplit("/", 1)[-1])


def nih_label(findings: str) -> Label | None:
    """Label of a ChestX-ray14 `Finding Labels` cell ("A|B|..."), or None for images with other findings only."""
    found = {part.strip() for part in findings.split("|")}
    if "Pneumonia" in found:
        return "Pneumonia"
    return "Normal" if found == {"No Finding"} else None
