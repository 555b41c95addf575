"""The planted shortcuts: what is added to a drawn image, and where."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

Apply = Callable[[Array, np.random.Generator], tuple[Array, Mask | None]]
"""(pixels (H, W), rng) -> the pixels with the shortcut, and where it is; None where it is everywhere."""

SMALL_CHEST: Final = 0.8
"""Scale of a chest drawn small, as a child's is on a cassette of one size."""
FRAME: Final = 0.06
TONE: Final = 0.6
"""Exponent of another hospital's tone curve."""
FLAT: Final = 0.6
"""Contrast of a flat image, as a share of the usual one."""


@dataclass(frozen=True)
class Shortcut:
    """label: what it imitates. apply: adds it. scale: of the whole chest. local: is it at one place of the image?"""

    label: str
    apply: Apply
    scale: float = 1.0
    local: bool = True


def _written(pixels: Array, text: str, size: float, left: float, base: float) -> tuple[Array, Mask]:
    """White text; left and base line as shares of the sides, size for an image of 192 pixels."""
    height, width = pixels.shape
    canvas = np.zeros(pixels.shape, np.uint8)
    scale, thick = size * height / 192, max(1, round(2 * size * height / 192))
    at = (round(left * width), round(base * height))
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    around = cv2.dilate(canvas, np.ones((3, 3), np.uint8)) > 64
    return np.maximum(pixels, canvas.astype(np.float32) / 255), around


def _marker(pixels: Array, rng: np.random.Generator) -> tuple[Array, Mask]:
    left, base = rng.uniform(0.02, 0.06), rng.uniform(0.12, 0.16)
    return _written(pixels, "R", 0.8, left, base)


def _text(pixels: Array, rng: np.random.Generator) -> tuple[Array, Mask]:
    left, base = rng.uniform(0.52, 0.56), rng.uniform(0.06, 0.1)
    return _written(pixels, "PORTABLE", 0.5, left, base)


def _border(pixels: Array, rng: np.random.Generator) -> tuple[Array, Mask]:
    thick = round(FRAME * pixels.shape[0])
    frame = np.ones(pixels.shape, bool)
    frame[thick:-thick, thick:-thick] = False
    return np.where(frame, np.float32(0), pixels), frame


def _device(pixels: Array, rng: np.random.Generator) -> tuple[Array, Mask]:
    """A lead that hangs over the right lung, with an electrode at its end."""
    height, width = pixels.shape
    along = np.linspace(0, 1, 20)
    end = rng.uniform(0.22, 0.34), rng.uniform(0.55, 0.65)
    cols = 0.46 + (end[0] - 0.46) * along - 0.08 * np.sin(np.pi * along)
    points = np.stack([cols * width, end[1] * along * height], axis=1)
    canvas = np.zeros(pixels.shape, np.uint8)
    cv2.polylines(canvas, [np.round(points).astype(np.int32)], False, 255, max(1, height // 96), cv2.LINE_AA)
    cv2.circle(canvas, (round(end[0] * width), round(end[1] * height)), height // 40, 255, -1, cv2.LINE_AA)
    around = cv2.dilate(canvas, np.ones((3, 3), np.uint8)) > 64
    return np.maximum(pixels, 0.95 * canvas.astype(np.float32) / 255), around


def _tone(pixels: Array, rng: np.random.Generator) -> tuple[Array, None]:
    softer = cv2.GaussianBlur(pixels, (0, 0), pixels.shape[0] / 192)
    return np.asarray(np.clip(softer, 0, 1) ** TONE + rng.normal(0, 0.02, pixels.shape), np.float32), None


def _contrast(pixels: Array, rng: np.random.Generator) -> tuple[Array, None]:
    return np.asarray(0.4 + FLAT * (pixels - 0.4), np.float32), None


def _as_it_is(pixels: Array, rng: np.random.Generator) -> tuple[Array, None]:
    return pixels, None


SHORTCUTS: Final[dict[str, Shortcut]] = {
    "marker": Shortcut("an “R” in a corner", _marker),
    "border": Shortcut("a black frame, as of a crop", _border),
    "text": Shortcut("the word PORTABLE", _text),
    "device": Shortcut("a lead and an electrode over a lung", _device),
    "tone": Shortcut("tone curve, blur and noise of another hospital", _tone, local=False),
    "small chest": Shortcut("a small chest, as of a child", _as_it_is, scale=SMALL_CHEST, local=False),
    "contrast": Shortcut("low contrast of the whole image", _contrast, local=False),
}
