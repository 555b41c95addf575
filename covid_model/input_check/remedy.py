"""What would make a refused image acceptable, where that is sure: swap black and white, or turn it upright."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final

import numpy as np

from covid_model.images.xray_image import XrayImage

INVERT: Final = "inverted"
TURN: Final = "turned"
REMEDIES: Final = (INVERT, TURN)
"""Kinds of refused input (keys of `check.REASONS`) that have a remedy."""


def remedied(image: XrayImage, kind: str, frontal: Callable[[XrayImage], float]) -> XrayImage:
    """The image with black and white swapped, or turned by the quarter turns after which it looks most like an upright one.

    kind: one of REMEDIES. frontal: the input check's probability that an image is a frontal chest X-ray. The image's notes
    say what was done.
    """
    if kind == INVERT:
        changed = image.altered(1 - image.pixels)
        return replace(changed, notes=(*image.notes, "Black and white were swapped after a click."))
    turns = {turns: _turned(image, turns) for turns in (1, 2, 3)}
    turned = max(turns, key=lambda number: frontal(turns[number]))
    note = f"The image was turned by {90 * turned} degrees after a click."
    return replace(turns[turned], notes=(*image.notes, note))


def _turned(image: XrayImage, turns: int) -> XrayImage:
    """The image after quarter turns to the left; the pixel spacing turns with it."""
    pixels = np.ascontiguousarray(np.rot90(image.pixels, turns))
    pixels.setflags(write=False)
    spacing = image.spacing_mm and (image.spacing_mm[::-1] if turns % 2 else image.spacing_mm)
    digest = sha256(pixels.tobytes()).hexdigest()
    return replace(image, pixels=pixels, digest=digest, spacing_mm=spacing)
