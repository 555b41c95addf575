"""The images of a manifest as small arrays in memory, cropped to the model's region, ready for augmentation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.data.marked import marked_images
from covid_model.images.lung_region import GROW, grown, lung_box, only_lungs, whole
from covid_model.images.preprocess import Preprocessing, resized
from covid_model.images.read import load_image
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungSegmenter
from covid_model.training.augment import Augmentation, affine, mixed_spectrum, reexposed, warp

SIDE: Final = 288
"""Images are kept at this size, or, for larger networks, at ZOOM times the network's size."""

ZOOM: Final = 9 / 7
"""Images are kept so much above the network's size that zooming in does not blur."""

MASK_JITTER: Final = 0.02
"""The mask edge is moved by up to this share of the side in training, so that a model cannot use its exact shape."""


@dataclass(frozen=True, eq=False)
class SmallImage:
    """One square image: uint8 pixels of the region, and the lung mask there (all True for region "image").

    marks: what radiologists marked there, None where they marked nothing.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    marks: NDArray[np.bool_] | None = None

    def emptied(self) -> "SmallImage":
        """One grey inside the mask and black around: the outline and nothing else."""
        return SmallImage(np.where(self.mask, np.uint8(128), np.uint8(0)), self.mask)


class View(NamedTuple):
    """One augmented view at network size: pixels (h, w) float32 in [0, 1], and marks (h, w) float32, 1 inside, or None."""

    pixels: NDArray[np.float32]
    marks: NDArray[np.float32] | None


def shrink(
    image: XrayImage, spec: Preprocessing, segmenter: LungSegmenter, marks: NDArray[np.bool_] | None = None
) -> SmallImage:
    """The region of the image that `spec` shows, small; contrast and suppression are left to `augmented`.

    marks: (H, W), what radiologists marked.
    """
    box, mask, side = whole(image.shape), np.ones(image.shape, bool), max(SIDE, round(ZOOM * max(spec.size)))
    if spec.region == "lungs" and (lungs := segmenter.find(image.pixels).mask).any():
        box, mask = lung_box(lungs), lungs
    rows, cols = slice(box.top, box.bottom), slice(box.left, box.right)
    small = resized(image.pixels[rows, cols], (side, side))
    small_marks = None if marks is None else _small_mask(marks[rows, cols], side)
    return SmallImage(np.round(small * 255).astype(np.uint8), _small_mask(mask[rows, cols], side), small_marks)


def _small_mask(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    return cv2.resize(mask.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST).astype(bool)


def load_small(
    table: pd.DataFrame,
    spec: Preprocessing,
    segmenter: LungSegmenter,
    each: Callable[[], None],
    *,
    marked: bool = False,
) -> list[SmallImage]:
    """Every image of the manifest rows, in their order. each: called after every image. marked: with radiologists' marks."""
    marks = {one.path: one for one in marked_images(table)} if marked else {}
    found = []
    for path in map(Path, table["path"]):
        image = load_image(path)
        masks = marks[path].masks(image.shape) if path in marks else {}
        union = np.logical_or.reduce(list(masks.values())) if masks else None
        found.append(shrink(image, spec, segmenter, union))
        each()
    return found


def augmented(
    small: SmallImage,
    spec: Preprocessing,
    augmentation: Augmentation,
    rng: np.random.Generator,
    *,
    style: SmallImage | None = None,
    most: float = 1.0,
) -> View:
    """One augmented view, by the same steps as `images.preprocess`.

    style: an image that up to `most` of the amplitudes are taken from (`mixed_spectrum`).
    """
    pixels, side = small.pixels.astype(np.float32) / np.float32(255), len(small.pixels)
    if style is not None:
        pixels = mixed_spectrum(pixels, style.pixels.astype(np.float32) / np.float32(255), rng.uniform(0, most))
    pixels = reexposed(pixels, augmentation, rng)
    if spec.region == "lungs":
        change = GROW + rng.uniform(-MASK_JITTER, MASK_JITTER)
        pixels = only_lungs(pixels, grown(small.mask, round(change * side)))
    matrix = affine(augmentation, (side, side), rng)
    marks = None if small.marks is None else resized(warp(small.marks.astype(np.float32), matrix), spec.size)
    return View(resized(warp(pixels, matrix), spec.size), marks)
