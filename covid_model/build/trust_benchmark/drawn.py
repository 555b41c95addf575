"""Drawn chest images with a planted opacity and a planted shortcut, each known pixel by pixel.

The same case without its opacity or without its shortcut is the same image but for that: anatomy, places and noise are drawn
from the case's seed alone.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.build.trust_benchmark.shortcuts import SHORTCUTS
from covid_model.images.phantom import PHANTOMS, draw_phantom, phantom_lungs
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungMask

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE: Final = 192
NOISE: Final = 0.02
GRAIN: Final = 0.03
CORE: Final = 0.35
"""Where an opacity is denser than this share of its peak, it counts as evidence."""


@dataclass(frozen=True)
class Case:
    """One image to draw. kind: a key of SHORTCUTS. opacity, shortcut: is it there?"""

    seed: int
    kind: str
    opacity: bool
    shortcut: bool


@dataclass(frozen=True, eq=False)
class Drawing:
    """pixels: (SIDE, SIDE) float32 in [0, 1]. lungs, opacity: (SIDE, SIDE) bool.

    shortcut: likewise, None where it is everywhere or not there.
    """

    case: Case
    pixels: Array
    lungs: Mask
    opacity: Mask
    shortcut: Mask | None

    @property
    def image(self) -> XrayImage:
        """The drawing as an image that a reader returned."""
        blank = XrayImage(np.zeros_like(self.pixels), "0" * 64, "array")
        return blank.altered(self.pixels)

    @property
    def lung_mask(self) -> LungMask:
        """The drawn lungs in the place of an outline: the lung network was not trained on drawings."""
        return LungMask(self.lungs, "good", (), float(self.lungs.mean()), 1.0)


@lru_cache(maxsize=1)
def _anatomy() -> tuple[Array, Array]:
    """The clear drawn chest and its lungs, both (SIDE, SIDE) float32 in [0, 1]."""
    size = (SIDE, SIDE)
    pixels = draw_phantom(PHANTOMS["clear"]).astype(np.float32) / 255
    lungs = phantom_lungs().astype(np.float32)
    return tuple(cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (pixels, lungs))  # type: ignore[return-value]


def draw(case: Case) -> Drawing:
    """The image of a case; the same at every call."""
    rng = np.random.default_rng((case.seed, 1))
    shortcut = SHORTCUTS[case.kind]
    scale = shortcut.scale if case.shortcut else 1.0
    place = _placement(rng, scale)
    base, lung_base = _anatomy()
    pixels, lungs = _placed(base, place), _placed(lung_base, place)
    pixels = pixels + GRAIN * _grain(rng, 8)
    opacity = _opacity(rng, lung_base, place, scale) * lungs
    if case.opacity:
        pixels = pixels + opacity
    pixels = (np.clip(pixels, 0, 1) ** rng.uniform(0.93, 1.07)).astype(np.float32)
    where = None
    if case.shortcut:
        pixels, where = shortcut.apply(pixels, np.random.default_rng((case.seed, 2)))
    pixels = np.clip(pixels + np.random.default_rng((case.seed, 3)).normal(0, NOISE, pixels.shape), 0, 1)
    core = opacity > CORE * opacity.max()
    return Drawing(case, pixels.astype(np.float32), lungs > 0.5, core & case.opacity, where)


def _placement(rng: np.random.Generator, scale: float) -> Array:
    """A small turn, shift and stretch about the middle, (2, 3)."""
    angle, (wide, high) = np.radians(rng.uniform(-4, 4)), scale * rng.uniform(0.94, 1.06, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([wide, high])
    middle = np.full(2, SIDE / 2)
    shift = middle - turn @ middle + rng.uniform(-0.03, 0.03, 2) * SIDE
    return np.column_stack([turn, shift]).astype(np.float32)


def _placed(pixels: Array, place: Array) -> Array:
    warped = cv2.warpAffine(pixels, place, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def _opacity(rng: np.random.Generator, lung_base: Array, place: Array, scale: float) -> Array:
    """One or two hazy patches centred in the lungs, (SIDE, SIDE), before the lungs cut them."""
    inside = np.argwhere(cv2.erode(lung_base, np.ones((13, 13), np.uint8)) > 0.9)
    rows, cols = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    patches = np.zeros((SIDE, SIDE), np.float32)
    count = int(rng.integers(1, 3))
    for number in range(2):
        row, col = inside[rng.integers(len(inside))]
        radius, strength = scale * SIDE * rng.uniform(0.06, 0.1), rng.uniform(0.24, 0.42)
        if number < count:
            x, y = place @ np.array([col, row, 1], np.float32)
            patches += strength * np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / radius**2)
    return np.asarray(np.minimum(patches, 0.45) * (0.85 + 0.15 * _grain(rng, 24)), np.float32)


def _grain(rng: np.random.Generator, cells: int) -> Array:
    """Smooth noise of about `cells` lumps across the image, about 0."""
    coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)
