"""A heatmap over a film as plain pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.explain.explanation import Explanation
from covid_model.films.film import Film
from covid_model.films.window import displayed

LUNG_COLOUR: Final = (64, 200, 255)
"""Light blue: far from inferno, viridis and cividis; turbo and jet hold it too."""


@dataclass(frozen=True)
class Colormap:
    """A colour map by its OpenCV code."""

    label: str
    code: int


COLORMAPS: Final[dict[str, Colormap]] = {
    "inferno": Colormap("Inferno", cv2.COLORMAP_INFERNO),
    "viridis": Colormap("Viridis", cv2.COLORMAP_VIRIDIS),
    "cividis": Colormap("Cividis (colour-blind safe)", cv2.COLORMAP_CIVIDIS),
    "turbo": Colormap("Turbo", cv2.COLORMAP_TURBO),
    "jet": Colormap("Jet (misleading: bands where there are none)", cv2.COLORMAP_JET),
}


def heat(film_map: NDArray[np.float32], opacity: float, colormap: str) -> NDArray[np.uint8]:
    """A raw non-negative map (H, W) as RGBA uint8 (H, W, 4), scaled from 0 to its largest value.

    Opacity rises with the value, so that cold areas show the film as it is. A map of zeros is fully transparent.
    """
    top = float(film_map.max())
    scaled = np.clip(film_map / top, 0, 1) if top > 0 else np.zeros_like(film_map)
    levels = np.round(scaled * 255).astype(np.uint8)
    colours = cv2.applyColorMap(levels, COLORMAPS[colormap].code)[..., ::-1]
    alpha = np.round(opacity * scaled * 255).astype(np.uint8)
    return np.dstack([colours, alpha])


def blended(grey: NDArray[np.uint8], layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An RGBA layer over a grey (H, W) picture: (H, W, 3) uint8."""
    alpha = layer[..., 3:].astype(np.float32) / 255
    mixed = grey[..., None] * (1 - alpha) + layer[..., :3] * alpha
    return np.round(mixed).astype(np.uint8)


def outlined(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_], colour: tuple[int, int, int] = LUNG_COLOUR
) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with the outline of the mask (H, W) drawn on it, one pixel in 400 wide."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = picture.copy()
    cv2.drawContours(drawn, outlines, -1, colour, max(1, round(max(mask.shape) / 400)), cv2.LINE_AA)
    return drawn


def write_overlay(film: Film, explanation: Explanation, path: Path, opacity: float = 0.6) -> Path:
    """The film with the heatmap over it as a PNG; returns its path."""
    picture = blended(displayed(film.pixels), heat(explanation.film_map, opacity, "inferno"))
    path.parent.mkdir(parents=True, exist_ok=True)
    _, encoded = cv2.imencode(".png", picture[..., ::-1])
    path.write_bytes(encoded.tobytes())
    return path
