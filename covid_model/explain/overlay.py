"""A heatmap over an image, as an array of pixels."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method
from covid_model.explain.scale import scale_top
from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage

LUNG_COLOUR: Final = (64, 200, 255)
"""Light blue: unlike any colour of inferno, viridis and cividis, though turbo and jet contain it."""


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


FOR: Final = (230, 60, 40)
AGAINST: Final = (50, 110, 240)
"""Red and blue of signed maps; distinct with any of the usual kinds of colour blindness."""
ROWS: Final = 32
"""Rows of a large picture that are coloured at a time: what they need fits into the processor's cache."""


def heat(
    heatmap: NDArray[np.float32], opacity: float, colormap: str, *, signed: bool = False, top: float | None = None
) -> NDArray[np.uint8]:
    """A raw map (H, W) as RGBA uint8 (H, W, 4), scaled from 0 to `top`, by default its own `scale_top`.

    opacity: of the highest values, in [0, 1]; it falls with the value, so that low areas show the image as it is. colormap:
    a key of COLORMAPS. A signed map shows evidence for the class in red and against it in blue, whatever the colour map.
    """
    end = scale_top(heatmap) if top is None else top
    scaled = np.clip(heatmap / end, -1, 1) if end > 0 else np.zeros_like(heatmap)
    strength = np.abs(scaled) if signed else np.maximum(scaled, 0)
    if signed:
        colours = np.where((scaled > 0)[..., None], np.array(FOR, np.uint8), np.array(AGAINST, np.uint8))
    else:
        colours = cv2.applyColorMap(np.round(strength * 255).astype(np.uint8), _ramp(colormap))
    return np.dstack([colours, np.round(opacity * strength * 255).astype(np.uint8)])


@cache
def _ramp(colormap: str) -> NDArray[np.uint8]:
    """The colours of 0 to 255, (256, 1, 3) RGB. OpenCV would interpolate them anew for every part of a picture."""
    colours = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], COLORMAPS[colormap].code)
    return np.ascontiguousarray(colours[..., ::-1], np.uint8)


def blended(grey: NDArray[np.uint8], layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An RGBA layer (H, W, 4) over a grey image (H, W), both uint8: (H, W, 3) uint8."""
    alpha = layer[..., 3].astype(np.float32) / 255
    under, mixed = grey * (1 - alpha), np.empty((*grey.shape, 3), np.uint8)
    for channel in range(3):  # one plane after the other: broadcasting over three channels takes three times as long
        mixed[..., channel] = np.rint(under + layer[..., channel] * alpha)
    return mixed


def outlined(
    picture: NDArray[np.uint8], mask: NDArray[np.bool_], colour: tuple[int, int, int] = LUNG_COLOUR
) -> NDArray[np.uint8]:
    """A copy of the picture (H, W, 3) uint8 with the outline of the mask (H, W), its width 1/400 of the longer side."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = picture.copy()
    cv2.drawContours(drawn, outlines, -1, colour, max(1, round(max(mask.shape) / 400)), cv2.LINE_AA)
    return drawn


def overlay_png(image: XrayImage, explanation: Explanation, *, opacity: float = 0.6, colormap: str = "inferno") -> bytes:
    """The image at full size with the heatmap over it, as the bytes of a PNG file."""
    signed, heatmap = get_method(explanation.method).signed, explanation.heatmap
    picture = np.empty((*heatmap.shape, 3), np.uint8)
    for start in range(0, len(picture), ROWS):
        rows = slice(start, start + ROWS)
        layer = heat(heatmap[rows], opacity, colormap, signed=signed, top=explanation.top)
        cv2.cvtColor(blended(displayed(image.pixels[rows]), layer), cv2.COLOR_RGB2BGR, dst=picture[rows])
    return bytes(cv2.imencode(".png", picture)[1])
