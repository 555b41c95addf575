"""Panels of the image viewer as JSON values, and its images as compressed bytes."""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method
from covid_model.explain.overlay import blended, heat, outlined
from covid_model.images.lung_region import Box
from covid_model.images.window import auto_window, displayed
from covid_model.images.xray_image import XrayImage
from covid_model.models.predict import Prediction
from covid_model.viewer.look import Look

LONGEST: Final = 2048
"""Longest side of an image sent to a browser; every browser with WebGL2 can hold it."""
REGION_COLOUR: Final = (255, 214, 64)
"""Yellow, as in viewer.css."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One image of the viewer, with or without a heatmap over it.

    region: (H, W) bool, the part that keeps the class, drawn as an outline on this panel alone.
    title: text from outside is safe; the viewer shows it character by character. alt: what the panel shows, for those who
    do not see it. lungs, lesions: (H, W) bool, drawn as outlines. explanation: whose map is shown; box: the part of the
    image that its model saw. top: where the map's colours end, by default its own `top`. note: text below the panel.
    """

    title: str
    alt: str
    image: XrayImage
    lungs: NDArray[np.bool_] | None = None
    lesions: NDArray[np.bool_] | None = None
    explanation: Explanation | None = None
    box: Box | None = None
    top: float | None = None
    note: str = ""
    region: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls,
        title: str,
        alt: str,
        image: XrayImage,
        prediction: Prediction,
        explanation: Explanation | None = None,
        *,
        lesions: NDArray[np.bool_] | None = None,
        top: float | None = None,
        note: str = "",
        region: NDArray[np.bool_] | None = None,
    ) -> "Panel":
        """A panel with the lungs and the box of a prediction."""
        prepared = prediction.prepared
        box = prepared.model_input.box
        return cls(title, alt, image, prepared.lungs.mask, lesions, explanation, box, top, note, region)


def shared_top(explanations: Sequence[Explanation]) -> float:
    """The end of a colour scale for all maps, the largest of their own; only maps of one method are comparable."""
    return max((found.top for found in explanations), default=0.0)


@dataclass(frozen=True, eq=False)
class EncodedPixels:
    """An image's pixels as a browser decodes them.

    data: deflated; differences between neighbours in a row, all high bytes before all low bytes. shape: (rows, columns).
    bits: 8 where every pixel is a multiple of 1/255, else 16. auto: the automatic window.
    """

    data: bytes
    shape: tuple[int, int]
    bits: int
    auto: tuple[float, float]


def encoded_pixels(image: XrayImage, longest: int = LONGEST) -> EncodedPixels:
    """The pixels with 16 bits, without loss up to `longest` a side and area-averaged beyond it."""
    pixels, scale = image.pixels, longest / max(image.shape)
    if scale < 1:
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)
    values = np.rint(pixels * 65535).astype(np.uint16)
    narrow = bool((values % 257 == 0).all())
    if narrow:
        planes = _differences((values // 257).astype(np.uint8))
    else:
        steps = _differences(values)
        planes = np.stack([steps >> 8, steps & 255]).astype(np.uint8)
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)  # no worse than other strategies here, and twice as fast
    data = packer.compress(planes.tobytes()) + packer.flush()
    return EncodedPixels(data, (pixels.shape[0], pixels.shape[1]), 8 if narrow else 16, auto_window(image.pixels))


def _differences(values: NDArray[Any]) -> NDArray[Any]:
    """Each value (H, W) less its left neighbour, modulo the type's range."""
    steps = values.copy()
    steps[:, 1:] -= values[:, :-1]
    return steps


def payload(
    panels: Sequence[Panel], source: Callable[[XrayImage], dict[str, Any]], *, look: Look, label: str
) -> dict[str, Any]:
    """What the viewer's script takes, as JSON values.

    source: for each image what `described` returns, with `url` or `data` (base64) beside it.
    """
    images: dict[str, dict[str, Any]] = {}
    for panel in panels:
        known = images.setdefault(panel.image.digest, source(panel.image) | {"lungs": [], "lesions": []})
        for name, mask in (("lungs", panel.lungs), ("lesions", panel.lesions)):
            known[name] = known[name] or outline(mask)
    rows = [
        {
            "title": panel.title,
            "alt": panel.alt,
            "note": panel.note,
            "image": panel.image.digest,
            "map": _map(panel),
            "region": outline(panel.region),
        }
        for panel in panels
    ]
    return {"images": images, "panels": rows, "look": look.json(), "label": label}


def described(image: XrayImage, pixels: EncodedPixels) -> dict[str, Any]:
    """An image's sizes, automatic window and pixel spacing as JSON values."""
    (height, width), (rows, columns) = image.shape, pixels.shape
    spacing = list(image.spacing_mm) if image.spacing_mm else None
    return {
        "digest": image.digest,
        "width": width,
        "height": height,
        "columns": columns,
        "rows": rows,
        "bits": pixels.bits,
        "auto": [round(value, 4) for value in pixels.auto],
        "spacing": spacing,
    }


def outline(mask: NDArray[np.bool_] | None) -> list[list[int]]:
    """The outer contours of a mask (H, W), each as x, y, x, y ... in image pixels; fine enough for a screen.

    >>> outline(np.ones((3, 4), bool))
    [[0, 0, 0, 2, 3, 2, 3, 0]]
    """
    if mask is None:
        return []
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lines = (cv2.approxPolyDP(piece, max(mask.shape) / 1200, True) for piece in outlines)
    return [[int(value) for value in line.ravel()] for line in lines]


def _map(panel: Panel) -> dict[str, Any] | None:
    """A panel's heatmap at its own size, None where it has none or sees nothing."""
    found, box = panel.explanation, panel.box
    if found is None or box is None:
        return None
    top = found.top if panel.top is None else panel.top
    made_from = [found.method, found.target, found.layer, found.model, found.model_digest[:8], found.image_digest[:8]]
    options = [f"{name}={value}" for name, value in sorted(found.options.items())]
    rows, columns = found.layer_map.shape
    return {
        "key": "/".join([*made_from, *options]).replace(" ", "_"),
        "rows": rows,
        "columns": columns,
        "values": base64.b64encode(np.ascontiguousarray(found.layer_map, "<f4").tobytes()).decode(),
        "box": [box.left, box.top, box.width, box.height],
        "top": float(top),
        "signed": get_method(found.method).signed,
    }


def still(panel: Panel, look: Look) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: the panel as a picture at the image's size, for places without a viewer; zoom is left out."""
    grey = displayed(panel.image.pixels, *look.window, invert=look.invert)
    picture: NDArray[np.uint8] = np.repeat(grey[..., None], 3, axis=-1)
    found = panel.explanation
    if found is not None:
        signed = get_method(found.method).signed
        layer = heat(found.heatmap, look.opacity, look.cmap, signed=signed, top=panel.top)
        picture = blended(grey, layer)
    for mask, wanted in ((panel.lungs, look.lungs), (panel.lesions, look.lesions)):
        if mask is not None and wanted:
            picture = outlined(picture, mask)
    if panel.region is not None and look.region:
        picture = outlined(picture, panel.region, REGION_COLOUR)
    return picture
