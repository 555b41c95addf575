"""Edits of an image, to see how the prediction changes: blank or blur a rectangle, or paste a marker into it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Edit:
    """One change: a key of EDITS, and where, as shares of height and width (0 top and left, 1 bottom and right)."""

    kind: str
    top: float
    left: float
    bottom: float
    right: float


@dataclass(frozen=True)
class EditKind:
    """label: on the button. apply: (pixels of the rectangle (h, w), whole image (H, W)) -> new pixels (h, w)."""

    label: str
    apply: Callable[[Array, Array], Array]


def _black(part: Array, image: Array) -> Array:
    return np.zeros_like(part)


def _grey(part: Array, image: Array) -> Array:
    return np.full_like(part, np.median(image))


def _blur(part: Array, image: Array) -> Array:
    return np.asarray(cv2.GaussianBlur(part, (0, 0), max(image.shape) / 24), np.float32)


def _marker(text: str) -> Callable[[Array, Array], Array]:
    """White capitals as large as the rectangle allows, as lead markers appear on an image."""

    def paste(part: Array, image: Array) -> Array:
        font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(2, round(min(part.shape) / 12))
        (width, height), _ = cv2.getTextSize(text, font, 1, 1)
        size = 0.9 * min(part.shape[1] / width, part.shape[0] / height)
        (width, height), _ = cv2.getTextSize(text, font, size, thick)
        canvas = np.zeros(part.shape, np.uint8)
        origin = (max(0, (part.shape[1] - width) // 2), (part.shape[0] + height) // 2)
        cv2.putText(canvas, text, origin, font, size, 255, thick, cv2.LINE_AA)
        return np.maximum(part, canvas.astype(np.float32) / 255)

    return paste


EDITS: Final[dict[str, EditKind]] = {
    "black": EditKind("Blank to black", _black),
    "grey": EditKind("Blank to grey", _grey),
    "blur": EditKind("Blur", _blur),
    "r": EditKind("Paste “R”", _marker("R")),
    "portable": EditKind("Paste “PORTABLE”", _marker("PORTABLE")),
}


def edited(pixels: Array, edits: Iterable[Edit]) -> Array:
    """The image's pixels (H, W) in [0, 1], float32, after all edits in order. A rectangle covers at least one pixel.

    >>> edited(np.ones((2, 4), np.float32), [Edit("black", 0, 0, 1, 0.5)]).tolist()
    [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]
    """
    changed = np.array(pixels, np.float32)
    height, width = changed.shape
    for edit in edits:
        top, left = min(int(edit.top * height), height - 1), min(int(edit.left * width), width - 1)
        bottom, right = max(top + 1, round(edit.bottom * height)), max(left + 1, round(edit.right * width))
        part = changed[top:bottom, left:right].copy()
        changed[top:bottom, left:right] = np.clip(EDITS[edit.kind].apply(part, changed), 0, 1)
    return changed
