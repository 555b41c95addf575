"""Three drawn hospitals, each with its own way to take, mark and store an image, which models can learn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.data.labels import Label

FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
BAR: Final = 0.09
"""Height of the bar below every image that says it is drawn, as a share of the image's side."""
BAR_TEXT: Final = "DRAWN IMAGE - NO PATIENT"
BAR_GREYS: Final = (60, 140)
"""Bar and letters: easy to read, yet less glaring than burned-in text, and the same on every image of every class."""


@dataclass(frozen=True)
class Hospital:
    """One acquisition style. side: pixels; gamma, contrast: tone curve; noise: standard deviation in [0, 1]; frame: black
    collimation at the top and the sides, share of the side; marker: burned in at the upper left; text: burned in at the
    upper right. suffix: of its files. shares: of its images by label; they differ, so that the hospital reveals the label.
    """

    name: str
    side: int
    view: str
    suffix: str
    shares: Mapping[Label, float]
    gamma: float = 1.0
    contrast: float = 1.0
    noise: float = 0.012
    frame: float = 0.0
    marker: str = ""
    text: str = ""

    @property
    def source(self) -> str:
        """Its name as a source in the manifest."""
        return f"drawn-{self.name}"


HOSPITALS: Final = (
    Hospital("northfield", 256, "PA", ".png", {"COVID-19": 0.5, "Pneumonia": 0.3, "Normal": 0.2}, gamma=0.85, marker="R"),
    Hospital(
        "harbour",
        400,
        "PA",
        ".jpg",
        {"COVID-19": 0.15, "Pneumonia": 0.3, "Normal": 0.55},
        gamma=1.2,
        contrast=1.1,
        frame=0.12,
    ),
    Hospital(
        "hillside",
        320,
        "AP",
        ".jpg",
        {"COVID-19": 0.35, "Pneumonia": 0.4, "Normal": 0.25},
        contrast=0.8,
        noise=0.025,
        marker="L",
        text="PORTABLE 07:45 BED 12",
    ),
)


def as_taken(chest: NDArray[np.float32], hospital: Hospital, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A chest (H, W) float32 about [0, 1] as this hospital stores it: square uint8 without the bar."""
    side = hospital.side
    small = cv2.resize(chest, (side, side), interpolation=cv2.INTER_AREA)
    toned = 0.45 + hospital.contrast * (np.clip(small, 0, 1) ** hospital.gamma - 0.45)
    toned += rng.normal(0, hospital.noise, toned.shape)
    image = np.round(np.clip(toned, 0, 1) * 250).astype(np.uint8)
    edge = round(hospital.frame * side)
    if edge:
        image[:edge], image[:, :edge], image[:, -edge:] = 0, 0, 0
    if hospital.marker:
        cv2.putText(image, hospital.marker, (round(0.04 * side), round(0.11 * side)), FONT, side / 350, 255, 2, cv2.LINE_AA)
    if hospital.text:
        cv2.putText(image, hospital.text, (round(0.2 * side), round(0.05 * side)), FONT, side / 640, 255, 1, cv2.LINE_AA)
    return image


def with_bar(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image with the bar below it that says it is drawn: (H, W) -> (about 1.09 H, W)."""
    width = image.shape[1]
    dark, light = BAR_GREYS
    bar = np.full((round(BAR * width), width), dark, np.uint8)
    scale = width / 420
    (wide, high), _ = cv2.getTextSize(BAR_TEXT, FONT, scale, 1)
    cv2.putText(bar, BAR_TEXT, ((width - wide) // 2, (len(bar) + high) // 2), FONT, scale, light, 1, cv2.LINE_AA)
    return np.vstack([image, bar])
