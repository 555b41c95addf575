"""Calibrated promises with known coverage: kept on one source, broken on another."""

from dataclasses import replace
from typing import Any

from covid_model.trust.likeness import Likeness
from covid_model.trust.region import RegionSize

KEPT = {"value": 0.93, "low": 0.9, "high": 0.96, "images": 100, "patients": 80}
BROKEN = KEPT | {"value": 0.6, "low": 0.5, "high": 0.7}
COVERAGE = {"fine": KEPT, "failing": BROKEN, "tiny": BROKEN | {"images": 5}}
FOUND = Likeness("", 1.0, "fine")
"""Of an image that is like those of the calibration."""


def size_of(**changed: Any) -> RegionSize:
    """A quarter of the image, calibrated at the toys' only layer."""
    return replace(RegionSize(0.25, 0.9, "conv", 200, KEPT, COVERAGE, {}, 1.5, "image"), **changed)


def conformal(limit: float) -> dict[str, Any]:
    """That part of an evaluation report, with one limit for all classes."""
    limits = dict.fromkeys(("COVID-19", "Pneumonia", "Normal"), limit)
    return {"level": 0.9, "marginal": {"limits": limits, "coverage": KEPT, "by_source": COVERAGE}}
