"""The drawn images that ship, and what is known of each: no patient owns them."""

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
    """One drawn image. label: as what it was drawn. correlation, embedding: similarity to the nearest training image by
    either
    measure; the limits, beside them, are what real images of other patients reach. predicted: by model, when it was chosen.
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
        """One sentence: what made it, and how far it is from any image of a patient."""
        return (
            f"A synthetic image that shows nobody: our generator ({self.generator[:8]}, seed {self.seed}) drew it as "
            f"{self.label}. "
            f"Nearest training image: correlation {self.correlation:.2f}, likeness in the model's eyes {self.embedding:.2f} "
            f"(95 % of the real images of other patients stay below {self.limits[0]:.2f} and {self.limits[1]:.2f})."
        )


@lru_cache(maxsize=1)
def shipped_samples() -> dict[str, SyntheticSample]:
    """Name -> drawn image, in the order of their labels."""
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
