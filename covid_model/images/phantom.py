"""A chest X-ray drawn from geometric shapes, to compare images with and to show heatmaps of a training on.

The shapes follow anatomy (lungs, ribs, heart, spine, diaphragm) without simulating X-rays: enough to try the program, and
useless for judging a model.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE: Final = 512


@dataclass(frozen=True)
class Phantom:
    """One drawn image. hazes: (centre row, centre column, radius, strength), as shares of the side; none for clear lungs."""

    title: str
    seed: int
    hazes: tuple[tuple[float, float, float, float], ...]


PHANTOMS: Final[dict[str, Phantom]] = {
    "clear": Phantom("clear lungs", 1, ()),
    "hazy": Phantom(
        "hazy patches low on both sides", 2, ((0.6, 0.26, 0.09, 0.24), (0.57, 0.75, 0.1, 0.22), (0.44, 0.8, 0.06, 0.16))
    ),
    "dense": Phantom("one dense area on one side", 3, ((0.5, 0.3, 0.1, 0.34),)),
}


@dataclass(frozen=True)
class Build:
    """How strongly each part of a chest shows, as a factor of the usual."""

    torso: float = 1.0
    mediastinum: float = 1.0
    air: float = 1.0
    heart: float = 1.0
    ribs: float = 1.0
    vessels: float = 1.0


def draw_phantom(phantom: Phantom) -> NDArray[np.uint8]:
    """The image as (512, 512) uint8, bright = dense; the same at every call."""
    rng = np.random.default_rng(phantom.seed)
    image, _ = draw_chest(rng, phantom.hazes)
    image += rng.normal(0, 0.012, image.shape).astype(np.float32)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def draw_chest(
    rng: np.random.Generator, hazes: tuple[tuple[float, float, float, float], ...], build: Build | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A chest without noise, and what the hazes add to it on average, each (512, 512) float32, about [0, 1] and not clipped.

    hazes: as in `Phantom`.
    """
    part, build = _parts(), build or Build()
    rows, cols = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    lungs = part["lungs"]
    image = 0.04 + 0.5 * build.torso * part["torso"] * (0.9 + 0.25 * rows)
    image += 0.16 * build.mediastinum * part["mediastinum"]
    image -= 0.36 * build.air * lungs * (0.8 + 0.2 * np.cos(3 * (rows - 0.4)))
    image += 0.3 * build.heart * part["heart"] * (0.35 + 0.65 * lungs)
    image += 0.1 * build.mediastinum * part["arch"]
    image += 0.075 * build.ribs * part["ribs"] * (0.35 + 0.65 * lungs)
    image += 0.1 * build.ribs * part["clavicles"]
    image += 0.05 * build.mediastinum * part["spine"]
    image += 0.03 * build.vessels * lungs * _vessels(rng)
    added = np.zeros_like(image)
    for row, col, radius, strength in hazes:
        distance = np.hypot(rows - row, cols - col) / radius
        patchy = 0.75 + 0.5 * _grain(rng, 22)
        haze = strength * np.exp(-(distance**2)) * lungs
        image += haze * patchy
        added += haze
    return image, added


@lru_cache(maxsize=1)
def _parts() -> dict[str, NDArray[np.float32]]:
    """The parts of a chest with soft edges, each (512, 512) float32 in [0, 1]."""
    return {
        "torso": _soft(_torso(), 6),
        "mediastinum": _soft(_ellipse((0.5, 0.45), (0.07, 0.6)), 9),
        "lungs": _soft(_lungs(), 3),
        "heart": _soft(_ellipse((0.56, 0.61), (0.125, 0.14), 25), 5),
        "arch": _soft(_ellipse((0.5, 0.35), (0.055, 0.22)), 6),
        "ribs": _soft(_ribs(), 1.4),
        "clavicles": _soft(_clavicles(), 2),
        "spine": _soft(_spine(), 2),
    }


def phantom_lungs() -> NDArray[np.bool_]:
    """The lungs of every drawn image, (512, 512) bool: both lung fields, the heart over the left one included."""
    return _lungs().astype(bool)


@lru_cache(maxsize=16)
def phantom_png(phantom: Phantom) -> bytes:
    """The drawn image as the bytes of a PNG file."""
    return bytes(cv2.imencode(".png", draw_phantom(phantom))[1])


def _canvas() -> NDArray[np.uint8]:
    return np.zeros((SIZE, SIZE), np.uint8)


def _soft(mask: NDArray[np.uint8], sigma: float) -> NDArray[np.float32]:
    """A drawn mask with blurred edges, float32 in [0, 1]."""
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma), np.float32)


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], angle: float = 0) -> NDArray[np.uint8]:
    """A filled ellipse; centre as (column, row), radii as (across, along), all shares of the side."""
    points = (round(centre[0] * SIZE), round(centre[1] * SIZE))
    canvas = _canvas()
    cv2.ellipse(canvas, points, (round(radii[0] * SIZE), round(radii[1] * SIZE)), angle, 0, 360, 1, -1)
    return canvas


def _polygon(points: list[tuple[float, float]]) -> NDArray[np.uint8]:
    corners = np.round(np.array(points) * SIZE).astype(np.int32)
    canvas = _canvas()
    cv2.fillPoly(canvas, [corners.reshape(-1, 1, 2)], 1)
    return canvas


def _torso() -> NDArray[np.uint8]:
    """Neck, shoulders and trunk."""
    half = [(0.42, 0.0), (0.41, 0.07), (0.3, 0.13), (0.12, 0.17), (0.03, 0.27), (0.06, 0.45), (0.08, 0.7), (0.07, 1.0)]
    return _polygon([*half, *[(1 - x, y) for x, y in reversed(half)]])


def _lungs() -> NDArray[np.uint8]:
    """Both lungs above the domes of the diaphragm; the heart is added later over the left one."""
    right = [(0.4, 0.16), (0.33, 0.14), (0.25, 0.2), (0.18, 0.34), (0.14, 0.52), (0.13, 0.72), (0.2, 0.68), (0.3, 0.64)]
    right += [(0.38, 0.66), (0.42, 0.7), (0.44, 0.5), (0.44, 0.28)]
    left = [(1 - x, y + 0.02 * (y > 0.6)) for x, y in right]
    return np.maximum(_polygon(right), _polygon(left))


def _ribs() -> NDArray[np.uint8]:
    """Posterior ribs as nearly level arcs, anterior ones falling steeply."""
    drawn = _canvas()
    for side in (-1, 1):
        for k in range(9):
            y = round((0.17 + 0.062 * k) * SIZE)
            x = round((0.5 + side * 0.2) * SIZE)
            cv2.ellipse(drawn, (x, y + 26), (round((0.15 + 0.008 * k) * SIZE), 34), side * 12, 180, 360, 1, 7)
        for k in range(6):
            start = (round((0.5 + side * 0.37) * SIZE), round((0.3 + 0.075 * k) * SIZE))
            end = (round((0.5 + side * 0.17) * SIZE), round((0.38 + 0.08 * k) * SIZE))
            cv2.line(drawn, start, end, 1, 5)
    return drawn


def _clavicles() -> NDArray[np.uint8]:
    drawn = _canvas()
    for side in (-1, 1):
        inner, outer = (0.5 + side * 0.05, 0.19), (0.5 + side * 0.36, 0.13)
        cv2.line(drawn, tuple(round(v * SIZE) for v in inner), tuple(round(v * SIZE) for v in outer), 1, 12)
    return drawn


def _spine() -> NDArray[np.uint8]:
    """Vertebral bodies down the middle."""
    drawn = _canvas()
    for k in range(16):
        top = round((0.02 + 0.062 * k) * SIZE)
        cv2.rectangle(drawn, (round(0.465 * SIZE), top), (round(0.535 * SIZE), top + 24), 1, -1)
    return drawn


def _grain(rng: np.random.Generator, cells: int) -> NDArray[np.float32]:
    """Smooth noise of about `cells` lumps across the image, float32 about 0."""
    coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.float32)


def _vessels(rng: np.random.Generator) -> NDArray[np.float32]:
    """Branching markings that thin out towards the chest wall, as ridges of smooth noise."""
    rows, cols = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    hilum = np.exp(-(((np.abs(cols - 0.5) - 0.1) / 0.14) ** 2) - ((rows - 0.42) / 0.25) ** 2)
    return np.clip(1 - np.abs(_grain(rng, 40)), 0, 1) * (0.4 + 2.2 * hilum)
