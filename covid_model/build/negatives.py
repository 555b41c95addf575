"""Negatives, which the input check must refuse, made from images or drawn: for its training, evaluation and tests.

Every maker takes image pixels (H, W) float32 in [0, 1], their lung mask (H, W) bool and a random generator, and returns
pixels of any shape in [0, 1]; makers that draw ignore the image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.build.drawings import draw_ct, draw_nothing, draw_page, draw_texture

Pixels = NDArray[np.float32]
Maker = Callable[[Pixels, NDArray[np.bool_], np.random.Generator], Pixels]

KEPT_OF_LUNGS: Final = 0.6
"""A cropped image shows less than this share of the lungs."""


@dataclass(frozen=True)
class Negative:
    """One kind of input that is not a frontal chest X-ray. kind: a key of `input_check.check.REASONS`; name: unique."""

    name: str
    kind: str
    make: Maker


def inverted(pixels: Pixels, _: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
    """Black and white swapped, with slightly different exposure."""
    return ((1 - pixels) ** rng.uniform(0.8, 1.25)).astype(np.float32)


def quarter_turned(turns: int) -> Maker:
    """Rotated by `turns` times 90 degrees, and up to 12 more either way."""

    def make(pixels: Pixels, mask: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
        return _spun(np.ascontiguousarray(np.rot90(pixels, turns)), rng.uniform(-12, 12))

    return make


def tilted(side: int) -> Maker:
    """Rotated by 35 to 65 degrees to one side."""

    def make(pixels: Pixels, mask: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
        return _spun(pixels, side * rng.uniform(35, 65))

    return make


def _spun(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height)), np.float32)


def cropped(pixels: Pixels, mask: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
    """A window of the image that shows less than KEPT_OF_LUNGS of the lungs."""
    height, width = pixels.shape
    for share in np.linspace(rng.uniform(0.45, 0.7), 0.25, 8):
        rows, cols = round(height * share), round(width * share * rng.uniform(0.8, 1.2))
        cols = min(cols, width)
        top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - cols + 1)
        window = (slice(top, top + rows), slice(left, left + cols))
        if mask[window].sum() < KEPT_OF_LUNGS * mask.sum():
            break
    return np.ascontiguousarray(pixels[window])


def halved(pixels: Pixels, _: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
    """The upper, lower, left or right part of the image."""
    share = rng.uniform(0.3, 0.55)
    if rng.random() < 0.75:
        rows = round(pixels.shape[0] * share)
        return np.ascontiguousarray(pixels[:rows] if rng.random() < 0.5 else pixels[-rows:])
    cols = round(pixels.shape[1] * share)
    return np.ascontiguousarray(pixels[:, :cols] if rng.random() < 0.5 else pixels[:, -cols:])


def side_by_side(pixels: Pixels, _: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
    """The image several times side by side, as in figures of papers."""
    rows, cols = ((1, 2), (1, 3), (2, 1), (2, 2), (2, 3))[rng.integers(5)]
    edge = round(min(pixels.shape) * rng.uniform(0, 0.08))
    framed = np.pad(pixels, edge, constant_values=float(rng.integers(2)))
    return np.asarray(np.tile(framed, (rows, cols)), np.float32)


def photographed(pixels: Pixels, _: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
    """An image on a screen photographed by a phone: in perspective, with bezel, pixel grid, glare and uneven light."""
    side = 512
    image = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    rows, cols = np.mgrid[0:side, 0:side].astype(np.float32)
    pitch, angle = rng.uniform(2.2, 5.0), rng.uniform(0, np.pi)
    wave = np.cos(2 * np.pi / pitch * (rows * np.cos(angle) + cols * np.sin(angle)))
    wave = wave * np.cos(2 * np.pi / (pitch * rng.uniform(0.9, 1.1)) * cols)
    image = image * (1 + rng.uniform(0.05, 0.25) * wave) * rng.uniform(0.6, 0.95) + rng.uniform(0.02, 0.15)
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    widest = rng.choice((0.02, 0.2))  # the camera close to the screen, or farther away
    inset = rng.uniform(0, widest, (4, 2)) * side
    moved = (corners + inset * np.sign(side / 2 - corners)).astype(np.float32)
    room = np.full((side, side), rng.uniform(0.05, 0.8), np.float32) + 0.1 * (rows / side - 0.5)
    seen = cv2.warpPerspective(image, cv2.getPerspectiveTransform(corners, moved), (side, side))
    shape = cv2.warpPerspective(np.ones_like(image), cv2.getPerspectiveTransform(corners, moved), (side, side))
    bezel = cv2.dilate(shape, np.ones((3, 3)), iterations=int(rng.integers(5, 16)))
    seen = np.where(shape > 0.5, seen, np.where(bezel > 0.5, rng.uniform(0, 0.2), room))
    glare = np.exp(-(((rows - rng.uniform(0, side)) ** 2 + (cols - rng.uniform(0, side)) ** 2) / rng.uniform(40, 140) ** 2))
    seen = cv2.GaussianBlur(seen + rng.uniform(0, 0.6) * glare, (0, 0), rng.uniform(0.4, 1.2))
    seen = seen + rng.normal(0, rng.uniform(0.005, 0.03), seen.shape)
    return np.clip(seen, 0, 1).astype(np.float32)


def _drawn(draw: Callable[[np.random.Generator], Pixels]) -> Maker:
    return lambda pixels, mask, rng: draw(rng)


NEGATIVES: Final = (
    Negative("inverted", "inverted", inverted),
    Negative("turned left", "turned", quarter_turned(1)),
    Negative("upside down", "turned", quarter_turned(2)),
    Negative("turned right", "turned", quarter_turned(3)),
    Negative("tilted left", "turned", tilted(1)),
    Negative("tilted right", "turned", tilted(-1)),
    Negative("cropped", "cropped", cropped),
    Negative("halved", "cropped", halved),
    Negative("side by side", "several", side_by_side),
    Negative("screen", "screen", photographed),
    Negative("ct", "ct", _drawn(draw_ct)),
    Negative("text", "other", _drawn(draw_page)),
    Negative("texture", "other", _drawn(draw_texture)),
    Negative("nearly blank", "other", _drawn(draw_nothing)),
)
"""All negatives but lateral images, which are real ones."""
