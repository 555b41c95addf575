"""The figures of trust tests as plain data: trust panel, plots and report draw them by type, whatever the test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.images.preprocess import resized
from covid_model.images.window import displayed

THUMBNAIL: Final = 220
"""Longer side of a small picture."""


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, the first on top.

    highlight: name of the bar to emphasise. line: the value that it must exceed or stay below.
    number_format: of the values, as in `format`.
    """

    values: Mapping[str, float]
    highlight: str | None = None
    line: float | None = None
    number_format: str = ".0%"


@dataclass(frozen=True)
class Curves:
    """Curves over one axis, the first emphasised. lines: name -> one value for each place in `x`. line: as in Bars."""

    x: Sequence[str]
    lines: Mapping[str, Sequence[float]]
    x_title: str
    y_title: str
    line: float | None = None


@dataclass(frozen=True)
class Matrix:
    """Every pair of `names`, values in [-1, 1] by row. others: further matrices of that shape by name, as side notes."""

    names: Sequence[str]
    title: str
    values: Sequence[Sequence[float]]
    others: Mapping[str, Sequence[Sequence[float]]]


@dataclass(frozen=True, eq=False)
class Images:
    """Small pictures in a row: caption -> (h, w) grey or (h, w, 3) RGB, uint8. title: what they show together."""

    title: str
    pictures: Mapping[str, NDArray[np.uint8]]


def small_picture(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """An image (H, W) in [0, 1] as uint8 with at most THUMBNAIL on the longer side."""
    scale = min(1.0, THUMBNAIL / max(pixels.shape))
    size = max(1, round(scale * pixels.shape[0])), max(1, round(scale * pixels.shape[1]))
    return displayed(resized(pixels.astype(np.float32), size))


Chart = Bars | Curves | Matrix
Figure = Chart | Images
