"""The synthetic images that ship, and the record of each. None shows a patient."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from covid_model.settings import ASSETS

SAMPLES_FOLDER: Final = ASSETS / "samples"
RECORD: Final = "samples.json"


@dataclass(frozen=True)
class SyntheticSample:
    """One synthetic image. label: the class it was generated for. correlation, embedding: similarity to the nearest training
    image by either measure. limits: of both, what 95% of real images of other patients stay below. predicted: class by
    model, when the image was chosen.
    """

    name: str
    label: str
    seed: int
    digest: str
    correlation: float
    embedding: float
    limits: tuple[float, float]
    predicted: dict[str, str]
    generator: str

    @property
    def path(self) -> Path:
        """The PNG file."""
        return SAMPLES_FOLDER / f"{self.name}.png"

    @property
    def origin(self) -> str:
        """What it is, in the first sentence; then how it was made, and how similar it is to any training image."""
        return (
            f"A synthetic image that shows no patient: our generator drew it as {self.label}. It is generator "
            f"{self.generator[:8]}, seed {self.seed}. Similarity to the nearest training image: correlation "
            f"{self.correlation:.2f}, model features {self.embedding:.2f} (95% of real images of other patients stay below "
            f"{self.limits[0]:.2f} and {self.limits[1]:.2f})."
        )


@lru_cache(maxsize=1)
def shipped_samples() -> dict[str, SyntheticSample]:
    """Name -> synthetic image, in the order of their labels."""
    record: dict[str, Any] = json.loads((SAMPLES_FOLDER / RECORD).read_text("utf-8"))
    generator = record["generator"]["draft.weights.h5"]
    limits = (record["limit"]["correlation"], record["limit"]["embedding"])
    return {
        row["name"]: SyntheticSample(
            row["name"],
            row["label"],
            row["seed"],
            row["digest"],
            row["nearest"]["correlation"],
            row["nearest"]["embedding"],
            limits,
            row["predicted"],
            generator,
        )
        for row in record["samples"]
    }
