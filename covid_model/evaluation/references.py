"""What the field scored on honest tests: external, from one source, or of consecutive patients."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Reference:
    """An AUC for COVID-19 from the literature. low, high: its 95% interval, None where none is given."""

    title: str
    auc: float
    low: float | None
    high: float | None
    test: str
    source: str


REFERENCES: Final = (
    Reference(
        "CAD4COVID-XRay", 0.81, None, None, "454 consecutive suspects of one centre, against PCR", "Murphy 2020, Radiology"
    ),
    Reference("DeepCOVID-XR", 0.90, None, None, "2,214 images of a hospital held out", "Wehbe 2021, Radiology"),
    Reference(
        "Single-site model, later patients", 0.82, 0.80, 0.84, "one site, 17,537 images", "Zhang 2022, arXiv 2210.02189"
    ),
    Reference("Single-site model, MIDRC", 0.79, 0.77, 0.81, "other hospitals", "Zhang 2022, arXiv 2210.02189"),
    Reference("COVID-Net, Philips scanners", 0.735, None, None, "129 images", "Risman 2021, J Med Imaging 8(6) 064502"),
    Reference("COVID-Net, Agfa scanners", 0.598, None, None, "129 images", "Risman 2021, J Med Imaging 8(6) 064502"),
    Reference(
        "COVID-Net web app", 0.48, None, None, "457 suspects; radiologists 0.68", "Sukhija 2021, Indian J Radiol Imaging"
    ),
)
