"""Drawn pictures (512, 512) in [0, 1] that are not chest X-rays: CT slices, pages of text, textures, nearly blank ones."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

SIDE: Final = 512
WORDS: Final = (
    "Patient",
    "report",
    "findings",
    "the",
    "lungs",
    "are",
    "clear",
    "no",
    "focal",
    "opacity",
    "heart",
    "page",
    "2",
)


def draw_ct(rng: np.random.Generator) -> Pixels:
    """An axial slice through the chest: body and ribs as rings, two lungs beside the heart, spine, table below."""
    slice_ = np.zeros((SIDE, SIDE), np.float32)
    middle = (SIDE / 2 + rng.uniform(-25, 25), SIDE / 2 + rng.uniform(-30, 30))
    wide = rng.uniform(170, 245)
    high = wide * rng.uniform(0.6, 0.85)
    air, fat, flesh = rng.uniform(0, 0.15), rng.uniform(0.3, 0.5), rng.uniform(0.5, 0.75)
    _oval(slice_, middle, (wide, high), fat)
    _oval(slice_, middle, (wide * 0.9, high * 0.88), flesh)
    size = rng.uniform(0.35, 0.5)
    for side in (-1, 1):
        lung = (middle[0] + side * wide * rng.uniform(0.38, 0.48), middle[1] - high * rng.uniform(-0.05, 0.12))
        _oval(slice_, lung, (wide * size * rng.uniform(0.75, 1), high * rng.uniform(0.5, 0.72)), air, rng.uniform(-15, 15))
        for _ in range(int(rng.integers(10, 50))):
            spot = (lung[0] + rng.normal(0, wide * 0.14), lung[1] + rng.normal(0, high * 0.2))
            _oval(slice_, spot, (rng.uniform(1, 5),) * 2, rng.uniform(0.3, 0.7))
    heart = (middle[0] + rng.uniform(0, 40), middle[1] - high * rng.uniform(0.05, 0.3))
    _oval(slice_, heart, (wide * rng.uniform(0.2, 0.38), high * rng.uniform(0.25, 0.45)), flesh + 0.08, rng.uniform(0, 60))
    spine = (middle[0], middle[1] + high * 0.55)
    _oval(slice_, spine, (wide * 0.13, high * 0.17), 0.95)
    _oval(slice_, (spine[0], spine[1] + high * 0.12), (wide * 0.04, high * 0.05), flesh)
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(8, 18))):
        rib = (middle[0] + np.cos(angle) * wide * 0.85, middle[1] + np.sin(angle) * high * 0.83)
        _oval(slice_, rib, (rng.uniform(12, 26), rng.uniform(4, 8)), 1.0, np.degrees(angle) + 90)
    if rng.random() < 0.6:
        cv2.ellipse(slice_, (SIDE // 2, round(middle[1] + high * 0.6)), (245, 110), 0, 25, 155, 0.6, 3)
    slice_ = np.asarray(cv2.GaussianBlur(slice_, (0, 0), rng.uniform(0.6, 2)), np.float32)
    grainy = slice_ + rng.normal(0, rng.uniform(0.005, 0.05), slice_.shape) * (slice_ > 0.01)
    zoom = cv2.getRotationMatrix2D(middle, rng.uniform(-8, 8), rng.uniform(0.85, 1.25))
    return np.clip(cv2.warpAffine(grainy, zoom, (SIDE, SIDE)), 0, 1).astype(np.float32)


def _oval(picture: Pixels, centre: tuple[float, float], radii: tuple[float, float], value: float, angle: float = 0) -> None:
    """A filled ellipse, drawn in place; centre as (column, row)."""
    point, size = (round(centre[0]), round(centre[1])), (max(1, round(radii[0])), max(1, round(radii[1])))
    cv2.ellipse(picture, point, size, float(angle), 0, 360, float(value), -1)


def draw_page(rng: np.random.Generator) -> Pixels:
    """A page or a screenshot of text, dark on light or light on dark."""
    page = np.full((SIDE, SIDE), 255, np.uint8)
    size, left = rng.uniform(0.35, 1.1), int(rng.integers(5, 80))
    row = int(rng.integers(20, 60))
    last = int(rng.integers(SIDE // 3, SIDE))
    while row < last:
        line = " ".join(rng.choice(WORDS, int(rng.integers(2, 10))))
        cv2.putText(page, line, (left, row), cv2.FONT_HERSHEY_SIMPLEX, size, 0, 1 + int(size > 0.7), cv2.LINE_AA)
        row += round(40 * size * rng.uniform(0.8, 1.4))
    if rng.random() < 0.5:
        page = 255 - page
    return (page * (rng.uniform(0.7, 1) / 255)).astype(np.float32)


def draw_texture(rng: np.random.Generator) -> Pixels:
    """Shapes over noise of a random scale, as a coarse imitation of photographs."""
    lumps = np.zeros((SIDE, SIDE), np.float32)
    steepness = rng.uniform(0.3, 1.2)
    for cells in (2, 4, 8, 16, 32, 64, 128, 256):
        coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        lumps += cells**-steepness * cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 14))):
        place, size = rng.uniform(0, SIDE, 2), rng.uniform(8, 180, 2)
        value = rng.normal(0, 2 * lumps.std())
        if rng.random() < 0.5:
            _oval(lumps, (place[0], place[1]), (size[0], size[1]), value, rng.uniform(0, 180))
        else:
            corner = (round(place[0] + size[0]), round(place[1] + size[1]))
            cv2.rectangle(lumps, (round(place[0]), round(place[1])), corner, float(value), -1)
    low, high = np.percentile(lumps, (rng.uniform(0, 10), rng.uniform(90, 100)))
    return np.clip((lumps - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def draw_nothing(rng: np.random.Generator) -> Pixels:
    """A nearly blank picture: one grey, at most with a gradient, a little noise and a mark."""
    rows, cols = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    plain = rng.uniform(0, 1) + rng.uniform(-0.4, 0.4) * rows + rng.uniform(-0.4, 0.4) * cols
    plain += rng.normal(0, rng.uniform(0.005, 0.15), plain.shape)
    if rng.random() < 0.5:
        mark = np.zeros((SIDE, SIDE), np.uint8)
        cv2.putText(mark, "L", (int(rng.integers(0, 480)), int(rng.integers(40, 500))), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 1, 4)
        plain = np.maximum(plain, mark)
    return np.clip(plain, 0, 1).astype(np.float32)
