"""Edits that take one attribute away from an image and leave what the lungs show: does the answer survive them?

Each edit answers for one thing that a model may rest on instead of the lungs: burned-in marks, a frame, leads, the body around
the lungs, tone and contrast of a scanner, sharpness, or how large the lungs appear (an age proxy).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.lung_region import grown
from covid_model.images.preprocess import resized
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungMask
from covid_model.models.classifier import Classifier

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Apply = Callable[[Array, Mask], tuple[Array, Mask]]
Attribute = Literal["markers", "border", "devices", "surroundings", "tone", "sharpness", "size"]

WORKING_SIDE: Final = 512
"""Longer side at which images are edited, so that an edit costs the same for a photograph and a detector's image."""
THIN: Final = 0.07
"""Marks, letters and leads are narrower than this share of the longer side."""
EDGE: Final = 0.008
"""Their soft edge, likewise."""
MARK: Final = 0.22
LINE: Final = 0.3
"""How much brighter than their surroundings marks and, over the lungs, leads are; ribs differ by less."""
FRAME: Final = 0.08
"""Share of each side that counts as the border."""
MARGIN: Final = 0.04
"""Around the lungs, as a share of the longer side: what touches this belongs to the lungs."""
GAMMA: Final = 1.5
CONTRAST: Final = 1.4
SCALE: Final = 1.2


@dataclass(frozen=True)
class MatchedEdit:
    """label: completes "The answer changes ...". attribute: what the edit answers for. apply: (pixels (H, W) float32 in
    [0, 1], lungs (H, W) bool) -> the edited ones, of the same shape.
    """

    label: str
    attribute: Attribute
    apply: Apply


def thin_bright_parts(pixels: Array, brighter: float) -> Mask:
    """Where something is bright and thin, as letters and leads are, with its soft edge, (H, W) bool (white top-hat)."""
    side = max(pixels.shape)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(THIN * side / 2) + 1,) * 2)
    above = cv2.morphologyEx(pixels, cv2.MORPH_TOPHAT, kernel) > brighter
    return grown(above, max(1, round(EDGE * side)))


def _filled(pixels: Array, hidden: Mask) -> Array:
    """The hidden pixels replaced by the weighted mean of those around them (normalised convolution, Knutsson 1993)."""
    if not hidden.any():
        return pixels
    known, width = (~hidden).astype(np.float32), THIN * max(pixels.shape) / 2
    total, weight = (cv2.GaussianBlur(part, (0, 0), width) for part in (pixels * known, known))
    return np.where(hidden, total / np.maximum(weight, 1e-6), pixels).astype(np.float32)


def _near_lungs(parts: Mask, lungs: Mask) -> Mask:
    """The connected parts that touch the lungs or their margin."""
    count, labels = cv2.connectedComponents(parts.astype(np.uint8))
    near = np.zeros(count, bool)
    near[np.unique(labels[grown(lungs, round(MARGIN * max(lungs.shape)))])] = True
    return near[labels] & parts


def _without_marks(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
    parts = thin_bright_parts(pixels, MARK)
    return _filled(pixels, parts & ~_near_lungs(parts, lungs)), lungs


def _without_lines(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
    return _filled(pixels, _near_lungs(thin_bright_parts(pixels, LINE), lungs)), lungs


def _without_border(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
    """The outer ring mirrors what is inside of it, but for lungs that reach into it."""
    rows, cols = (round(FRAME * length) for length in pixels.shape)
    inner = pixels[rows:-rows, cols:-cols]
    repeated = cv2.copyMakeBorder(inner, rows, rows, cols, cols, cv2.BORDER_REFLECT_101)
    return np.where(lungs, pixels, repeated), lungs


def _blurred_surroundings(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
    """Blurred by a sixteenth of the side, but for the lungs and a margin, over which the blur sets in."""
    side = max(pixels.shape)
    soft = cv2.GaussianBlur(pixels, (0, 0), side / 16)
    kept = cv2.GaussianBlur(grown(lungs, round(MARGIN * side)).astype(np.float32), (0, 0), MARGIN * side / 4)
    kept = np.maximum(kept, lungs)
    return np.asarray(kept * pixels + (1 - kept) * soft, np.float32), lungs


def _gamma(exponent: float) -> Apply:
    return lambda pixels, lungs: (np.power(np.clip(pixels, 0, 1), np.float32(exponent)), lungs)


def _contrast(factor: float) -> Apply:
    """About the median of the image."""

    def changed(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
        middle = np.float32(np.median(pixels))
        return np.clip(middle + np.float32(factor) * (pixels - middle), 0, 1), lungs

    return changed


def _softer(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(pixels.shape) / 192), np.float32), lungs


def _grainier(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
    noise = np.random.default_rng(0).normal(0, 0.02, pixels.shape).astype(np.float32)
    return np.clip(pixels + noise, 0, 1), lungs


def _sized(scale: float) -> Apply:
    """The chest larger or smaller about its middle; the edge is repeated."""

    def changed(pixels: Array, lungs: Mask) -> tuple[Array, Mask]:
        (height, width) = pixels.shape
        turn = np.array([[scale, 0, (1 - scale) * width / 2], [0, scale, (1 - scale) * height / 2]], np.float32)
        size = (width, height)
        moved = cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(lungs.astype(np.uint8), turn, size, flags=cv2.INTER_NEAREST)
        return np.asarray(moved, np.float32), mask.astype(bool)

    return changed


EDITS: Final[dict[str, MatchedEdit]] = {
    "marks": MatchedEdit("without the bright marks outside the lungs", "markers", _without_marks),
    "border": MatchedEdit("without the border of the image", "border", _without_border),
    "lines": MatchedEdit("without the bright lines over the lungs", "devices", _without_lines),
    "surroundings": MatchedEdit("with everything around the lungs blurred", "surroundings", _blurred_surroundings),
    "darker": MatchedEdit("with a darker tone", "tone", _gamma(GAMMA)),
    "brighter": MatchedEdit("with a brighter tone", "tone", _gamma(1 / GAMMA)),
    "more contrast": MatchedEdit("with more contrast", "tone", _contrast(CONTRAST)),
    "less contrast": MatchedEdit("with less contrast", "tone", _contrast(1 / CONTRAST)),
    "softer": MatchedEdit("when slightly blurred", "sharpness", _softer),
    "grainier": MatchedEdit("with a little noise", "sharpness", _grainier),
    "larger": MatchedEdit("when the chest appears larger", "size", _sized(SCALE)),
    "smaller": MatchedEdit("when the chest appears smaller", "size", _sized(1 / SCALE)),
}
"""By name, in the order in which a finding names them. Edits of one attribute go either way, since nobody knows which way a
model leans."""


def working_copy(image: XrayImage, lungs: LungMask) -> tuple[Array, Mask]:
    """Pixels and lungs (h, w) of an image, at most WORKING_SIDE on the longer side."""
    scale = min(1.0, WORKING_SIDE / max(image.shape))
    if scale == 1.0:
        return image.pixels, lungs.mask
    size = tuple(max(1, round(scale * length)) for length in image.shape)
    mask = cv2.resize(lungs.mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    return resized(image.pixels, (size[0], size[1])), mask.astype(bool)


def edited_logits(
    classifier: Classifier, image: XrayImage, lungs: LungMask, edits: Mapping[str, MatchedEdit] = EDITS
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """The logits (units,) of the image as it is and, by name, of each edit, from one batch at the working size."""
    pixels, mask = working_copy(image, lungs)
    states = [(pixels, mask), *(edit.apply(pixels, mask) for edit in edits.values())]
    batch = [_prepared(classifier, *state, lungs) for state in states]
    found = classifier.logits(np.concatenate(batch))
    return found[0], dict(zip(edits, found[1:], strict=True))


def _prepared(classifier: Classifier, pixels: Array, mask: Mask, lungs: LungMask) -> NDArray[np.float32]:
    """(1, height, width, channels): the model's input."""
    image = XrayImage(np.ascontiguousarray(pixels, np.float32), "0" * 64, "array")
    return classifier.prepare(image, replace(lungs, mask=mask)).batch
