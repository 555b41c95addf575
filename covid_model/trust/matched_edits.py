"""Edits that take one attribute away from an image and leave what the lungs show: does the answer survive them?

Each edit answers for one thing that a model may rest on instead of the lungs: burned-in marks, a frame, leads, tone and
contrast of a scanner, or how large the lungs appear (an age proxy). An edit brings the image nearer to a usual
one, and changes nothing where the image is usual already: an image unlike any that a model was trained on says nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.lung_region import grown, lung_box
from covid_model.images.preprocess import resized
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungMask
from covid_model.models.classifier import Classifier

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Attribute = Literal["markers", "border", "devices", "tone", "size"]

WORKING_SIDE: Final = 512
"""Longer side at which images are edited, so that an edit costs the same for a photograph and a detector's image."""
THIN: Final = 0.07
"""Marks, letters and leads are narrower than this share of the longer side."""
EDGE: Final = 0.008
"""Their soft edge, likewise."""
MARK: Final = 0.22
LINE: Final = 0.3
"""How much brighter than their surroundings marks and, over the lungs, leads are; most ribs differ by less."""
MOST_OF_LUNGS: Final = 0.1
"""Leads and electrodes cover a smaller share of the lungs. Where more is bright and thin, it is ribs and vessels, as on
sharp images of children: to take those away would take away what the lungs show.
"""
WIDEST_FRAME: Final = 0.2
PLAIN: Final = 0.04
"""A frame is at most this share of a side wide, and its rows or columns are plain: this near to black or white."""
MARGIN: Final = 0.04
"""Around the lungs, as a share of the longer side: what touches this belongs to the lungs."""
STRONGEST: Final = 2.0
"""Tone, contrast and size change by this factor at most, either way."""


@dataclass(frozen=True)
class Usual:
    """A usual image. median, spread: of the pixels in the box of the lungs, spread from the 5th to the 95th percentile.
    lungs: the lungs' share of the image.
    """

    median: float
    spread: float
    lungs: float


USUAL: Final = Usual(0.55, 0.49, 0.32)
"""Medians over 160 images of the public sets, 40 a source."""

Apply = Callable[[Array, Mask, Usual], tuple[Array, Mask]]


@dataclass(frozen=True)
class MatchedEdit:
    """label: begins "... the score falls". attribute: what the edit answers for. apply: (pixels (H, W) float32 in
    [0, 1], lungs (H, W) bool, a usual image) -> the edited pixels and lungs, of the same shape.
    """

    label: str
    attribute: Attribute
    apply: Apply


def describe(pixels: Array, lungs: Mask) -> Usual:
    """Tone, contrast and size of one image; lungs: not empty."""
    box = lung_box(lungs)
    low, median, high = np.quantile(pixels[box.top : box.bottom, box.left : box.right], (0.05, 0.5, 0.95))
    return Usual(float(median), float(high - low), float(lungs.mean()))


def usual_of(images: Iterable[tuple[Array, Mask]]) -> Usual:
    """The medians over several images, each pixels and lungs."""
    found = np.array([(one.median, one.spread, one.lungs) for one in (describe(*image) for image in images)])
    return Usual(*np.median(found, axis=0).tolist())


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


def _without_marks(pixels: Array, lungs: Mask, usual: Usual) -> tuple[Array, Mask]:
    parts = thin_bright_parts(pixels, MARK)
    return _filled(pixels, parts & ~_near_lungs(parts, lungs)), lungs


def _without_lines(pixels: Array, lungs: Mask, usual: Usual) -> tuple[Array, Mask]:
    parts = _near_lungs(thin_bright_parts(pixels, LINE), lungs)
    return (pixels if parts[lungs].mean() > MOST_OF_LUNGS else _filled(pixels, parts)), lungs


def _without_border(pixels: Array, lungs: Mask, usual: Usual) -> tuple[Array, Mask]:
    """A plain frame repeats the row or column inside of it."""
    rows, cols = _frame(pixels), _frame(pixels.T)
    inner = pixels[rows[0] : pixels.shape[0] - rows[1], cols[0] : pixels.shape[1] - cols[1]]
    return cv2.copyMakeBorder(inner, *rows, *cols, cv2.BORDER_REPLICATE), lungs  # type: ignore[return-value]


def _frame(pixels: Array) -> tuple[int, int]:
    """How many rows at the top and at the bottom are plain black or white."""
    most = round(WIDEST_FRAME * len(pixels))
    widths = []
    for rows in (pixels[:most], pixels[::-1][:most]):
        low, high = np.quantile(rows, (0.1, 0.9), axis=1)
        plain = (high < PLAIN) | (low > 1 - PLAIN)
        widths.append(int(np.argmin(plain)) if not plain.all() else most)
    return widths[0], widths[1]


def _usual_tone(pixels: Array, lungs: Mask, usual: Usual) -> tuple[Array, Mask]:
    """The exponent that makes the median in the lungs' box the usual one."""
    found = float(np.clip(describe(pixels, lungs).median, 0.02, 0.98))
    exponent = np.clip(np.log(usual.median) / np.log(found), 1 / STRONGEST, STRONGEST)
    return np.power(np.clip(pixels, 0, 1), np.float32(exponent)), lungs


def _usual_contrast(pixels: Array, lungs: Mask, usual: Usual) -> tuple[Array, Mask]:
    """Median and spread in the lungs' box become the usual ones."""
    found = describe(pixels, lungs)
    factor = np.clip(usual.spread / max(found.spread, 1e-3), 1 / STRONGEST, STRONGEST)
    return np.clip(usual.median + factor * (pixels - found.median), 0, 1).astype(np.float32), lungs


def _usual_size(pixels: Array, lungs: Mask, usual: Usual) -> tuple[Array, Mask]:
    """Scaled about the middle until the lungs have their usual area; the edge is repeated."""
    height, width = pixels.shape
    scale = float(np.clip(np.sqrt(usual.lungs / lungs.mean()), 1 / STRONGEST, STRONGEST))
    turn = np.array([[scale, 0, (1 - scale) * width / 2], [0, scale, (1 - scale) * height / 2]], np.float32)
    size = (width, height)
    moved = cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(lungs.astype(np.uint8), turn, size, flags=cv2.INTER_NEAREST)
    return np.asarray(moved, np.float32), mask.astype(bool)


EDITS: Final[dict[str, MatchedEdit]] = {
    "marks": MatchedEdit("without the bright marks outside the lungs", "markers", _without_marks),
    "border": MatchedEdit("without the plain frame around the image", "border", _without_border),
    "lines": MatchedEdit("without the bright lines over the lungs", "devices", _without_lines),
    "tone": MatchedEdit("with the tone of a usual image", "tone", _usual_tone),
    "contrast": MatchedEdit("with the contrast of a usual image", "tone", _usual_contrast),
    "size": MatchedEdit("with lungs of the usual size", "size", _usual_size),
}
"""By name, in the order in which a finding names them."""


def working_copy(image: XrayImage, lungs: LungMask) -> tuple[Array, Mask]:
    """Pixels and lungs (h, w) of an image, at most WORKING_SIDE on the longer side."""
    scale = min(1.0, WORKING_SIDE / max(image.shape))
    if scale == 1.0:
        return image.pixels, lungs.mask
    size = tuple(max(1, round(scale * length)) for length in image.shape)
    mask = cv2.resize(lungs.mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
    return resized(image.pixels, (size[0], size[1])), mask.astype(bool)


def edited_logits(
    classifier: Classifier,
    image: XrayImage,
    lungs: LungMask,
    edits: Mapping[str, MatchedEdit] = EDITS,
    usual: Usual = USUAL,
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """The logits (units,) of the image as it is and, by name, of each edit, from one batch at the working size.

    lungs: of the image, not empty.
    """
    pixels, mask = working_copy(image, lungs)
    states = [(pixels, mask), *(edit.apply(pixels, mask, usual) for edit in edits.values())]
    batch = [_prepared(classifier, *state, lungs) for state in states]
    found = classifier.logits(np.concatenate(batch))
    return found[0], dict(zip(edits, found[1:], strict=True))


def _prepared(classifier: Classifier, pixels: Array, mask: Mask, lungs: LungMask) -> NDArray[np.float32]:
    """(1, height, width, channels): the model's input."""
    image = XrayImage(np.ascontiguousarray(pixels, np.float32), "0" * 64, "array")
    return classifier.prepare(image, replace(lungs, mask=mask)).batch
