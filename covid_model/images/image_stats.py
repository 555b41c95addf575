"""A few statistics of an image that need no network."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.images.preprocess import resized
from covid_model.images.xray_image import XrayImage

COARSE: Final = 32
FINE: Final = 512
MARGIN: Final = 0.2
"""Letters are looked for this near the image's edges, as a share of its side, where they are burned in."""
LETTER: Final = (12, 900)
"""Pixels of a letter on an image of 512."""
GLARING: Final = 0.35
"""Least difference in brightness of a letter and its surroundings, as a share of the image's range."""


@dataclass(frozen=True)
class ImageStats:
    """mean, contrast: average and standard deviation of the pixels in [0, 1]. likeness: correlation with a drawn chest X-ray
    at 32 x 32, negative for inverted ones. border: share of the image in flat rows and columns at its edges. letters: small
    glaring shapes near the edges, as burned-in text and markers have them.
    """

    mean: float
    contrast: float
    likeness: float
    border: float
    letters: int


@lru_cache(maxsize=1)
def _template() -> NDArray[np.float64]:
    """The drawn chest X-ray at 32 x 32, of mean 0 and length 1."""
    drawn = draw_phantom(next(iter(PHANTOMS.values()))).astype(np.float32) / np.float32(255)
    return standardised(drawn)


def standardised(pixels: NDArray[np.float32], side: int = COARSE) -> NDArray[np.float64]:
    """(H, W) pixels resized to (side, side) float64, of mean 0 and length 1: products of two are their correlation."""
    coarse = resized(pixels, (side, side)).astype(np.float64)
    coarse -= coarse.mean()
    return coarse / max(float(np.linalg.norm(coarse)), 1e-9)


def image_stats(image: XrayImage) -> ImageStats:
    """The statistics of one image."""
    pixels = image.pixels
    return ImageStats(
        mean=float(pixels.mean()),
        contrast=float(pixels.std()),
        likeness=template_likeness(pixels),
        border=_border(pixels),
        letters=_letters(resized(pixels, (FINE, FINE))),
    )


def template_likeness(pixels: NDArray[np.float32]) -> float:
    """Correlation of (H, W) pixels with the drawn chest X-ray, both at 32 x 32; in [-1, 1]."""
    return float((standardised(pixels) * _template()).sum())


def _border(pixels: NDArray[np.float32]) -> float:
    """Share of the image in rows and columns at its edges that are flat: collimation, padding, frames."""
    rows, cols = (np.flatnonzero(pixels.std(axis=axis) > 0.01) for axis in (1, 0))
    if not len(rows) or not len(cols):
        return 1.0
    inside = (rows[-1] - rows[0] + 1) * (cols[-1] - cols[0] + 1)
    return float(1 - inside / pixels.size)


def _letters(fine: NDArray[np.float32]) -> int:
    """Count of small shapes near the edges that are much brighter than what is around them."""
    around = cv2.medianBlur(np.round(fine * 255).astype(np.uint8), 31).astype(np.float32) / 255
    glaring = (fine - around > GLARING).astype(np.uint8)
    edge = round(MARGIN * FINE)
    glaring[edge:-edge, edge:-edge] = 0
    _, _, stats, _ = cv2.connectedComponentsWithStats(glaring)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    return int(((sizes >= LETTER[0]) & (sizes <= LETTER[1])).sum())
