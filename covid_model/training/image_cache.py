"""The images of a manifest as small arrays in memory, cropped to the model's region, ready for augmentation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.images.lung_region import GROW, grown, lung_box, only_lungs, whole
from covid_model.images.preprocess import Preprocessing, resized
from covid_model.images.read import load_image
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungSegmenter
from covid_model.training.augment import Augmentation, affine, reexposed, warp

SIDE: Final = 288
"""Images are kept at this size, above the network's, so that zooming in does not blur."""

MASK_JITTER: Final = 0.02
"""The mask edge is moved by up to this share of the side in training, so that a model cannot use its exact shape."""


@dataclass(frozen=True, eq=False)
class SmallImage:
    """One image at (SIDE, SIDE): uint8 pixels of the region, and the lung mask there (all True for region "image")."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def shrink(image: XrayImage, spec: Preprocessing, segmenter: LungSegmenter) -> SmallImage:
    """The region of the image that `spec` shows, small; contrast and suppression are left to `augmented`."""
    box, mask = whole(image.shape), np.ones(image.shape, bool)
    if spec.region == "lungs" and (lungs := segmenter.find(image.pixels).mask).any():
        box, mask = lung_box(lungs), lungs
    rows, cols = slice(box.top, box.bottom), slice(box.left, box.right)
    small_mask = cv2.resize(mask[rows, cols].astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    small = resized(image.pixels[rows, cols], (SIDE, SIDE))
    return SmallImage(np.round(small * 255).astype(np.uint8), small_mask.astype(bool))


def load_small(
    table: pd.DataFrame, spec: Preprocessing, segmenter: LungSegmenter, each: Callable[[], None]
) -> list[SmallImage]:
    """Every image of the manifest rows, in their order. each: called after every image."""
    found = []
    for path in table["path"]:
        found.append(shrink(load_image(Path(path)), spec, segmenter))
        each()
    return found


def augmented(
    small: SmallImage, spec: Preprocessing, augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """One augmented view at network size, (h, w) float32 in [0, 1], by the same steps as `images.preprocess`."""
    pixels = reexposed(small.pixels.astype(np.float32) / np.float32(255), augmentation, rng)
    if spec.region == "lungs":
        change = GROW + rng.uniform(-MASK_JITTER, MASK_JITTER)
        pixels = only_lungs(pixels, grown(small.mask, round(change * SIDE)))
    return resized(warp(pixels, affine(augmentation, (SIDE, SIDE), rng)), spec.size)
