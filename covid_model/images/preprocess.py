"""From an XrayImage to the pixels a network sees: the one preprocessing of training, command line and app."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.lung_region import GROW, Box, grown, lung_box, only_lungs, whole
from covid_model.images.xray_image import XrayImage

Region = Literal["image", "lungs"]
Scaling = Literal["signed", "unit", "byte"]

SCALES: dict[Scaling, tuple[float, float]] = {"signed": (2.0, -1.0), "unit": (1.0, 0.0), "byte": (255.0, 0.0)}
"""Scaling name -> (factor, offset) applied to pixels in [0, 1]: [-1, 1], [0, 1] or [0, 255]."""


@dataclass(frozen=True)
class Preprocessing:
    """How one model wants its image; stored in the model's card.

    size: (height, width) of the network's input; the region is squeezed to it, as the field does.
    channels: 1, or 3 equal grey channels for networks that start from colour pictures.
    region: "image" shows everything; "lungs" shows the lungs' box with the rest suppressed and lung contrast normalised.
    scaling: a key of SCALES.
    """

    size: tuple[int, int] = (224, 224)
    channels: int = 3
    region: Region = "image"
    scaling: Scaling = "signed"


@dataclass(frozen=True, eq=False)
class ModelInput:
    """One image as a network receives it, and where on the image it came from.

    pixels: (height, width, channels) float32 in the range of the model's scaling.
    box: the image pixels that `pixels` shows.
    image_shape: (H, W) of the image.
    """

    pixels: NDArray[np.float32]
    box: Box
    image_shape: tuple[int, int]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """The image pixels that the model received, (H, W)."""
        mask = np.zeros(self.image_shape, bool)
        mask[self.box.top : self.box.bottom, self.box.left : self.box.right] = True
        return mask

    def to_image(self, heatmap: NDArray[np.float32]) -> NDArray[np.float32]:
        """A map (h, w) over this input, bilinear, laid over the image: (H, W) float32, 0 where the model saw nothing."""
        laid = np.zeros(self.image_shape, np.float32)
        size = (self.box.width, self.box.height)
        laid[self.box.top : self.box.bottom, self.box.left : self.box.right] = cv2.resize(
            heatmap.astype(np.float32), size, interpolation=cv2.INTER_LINEAR
        )
        return laid


def region_pixels(image: XrayImage, region: Region, lung_mask: NDArray[np.bool_] | None) -> tuple[NDArray[np.float32], Box]:
    """The image pixels a model may see, at image resolution, and their box.

    lung_mask: (H, W) bool of the image's shape; needed for region "lungs". Where it is empty the whole image is shown, so
    that a model can still answer; the caller warns that the lungs were not found.
    Raises ValueError when a needed mask is missing or of another shape.
    """
    if region == "image":
        return image.pixels, whole(image.shape)
    if lung_mask is None or lung_mask.shape != image.shape:
        received = "no mask" if lung_mask is None else f"a mask of shape {lung_mask.shape}"
        raise ValueError(f"Region 'lungs' needs a lung mask of shape {image.shape}. Received: {received}.")
    if not lung_mask.any():
        return only_lungs(image.pixels, np.ones(image.shape, bool)), whole(image.shape)
    box = lung_box(lung_mask)
    rows, cols = slice(box.top, box.bottom), slice(box.left, box.right)
    mask = grown(lung_mask[rows, cols], round(GROW * max(box.height, box.width)))
    return only_lungs(image.pixels[rows, cols], mask), box


def scaled(pixels: NDArray[np.float32], spec: Preprocessing) -> NDArray[np.float32]:
    """Pixels (h, w) in [0, 1] at network size -> (h, w, channels) float32 in the spec's range."""
    factor, offset = SCALES[spec.scaling]
    return np.repeat((pixels * factor + offset)[..., None], spec.channels, axis=-1).astype(np.float32)


def preprocess(image: XrayImage, spec: Preprocessing, lung_mask: NDArray[np.bool_] | None = None) -> ModelInput:
    """Make the input of a model whose card holds `spec`. `lung_mask` as in `region_pixels`."""
    pixels, box = region_pixels(image, spec.region, lung_mask)
    return ModelInput(scaled(resized(pixels, spec.size), spec), box, image.shape)


def resized(pixels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) -> size (height, width) float32; area averaging when shrinking, so that detail does not alias."""
    height, width = size
    shrinking = pixels.shape[0] * pixels.shape[1] > height * width
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return cv2.resize(pixels, (width, height), interpolation=interpolation).astype(np.float32)
