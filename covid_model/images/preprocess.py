"""Preprocessing: from an image to a network's input, the same in training, command line and app."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.lung_region import GROW, Box, grown, lung_box, only_lungs, whole
from covid_model.images.xray_image import XrayImage

Region = Literal["image", "lungs"]
Scaling = Literal["signed", "unit", "byte", "caffe", "torch", "custom"]


@dataclass(frozen=True)
class Scale:
    """How pixels in [0, 1] become a network's input: (pixels - mean) / deviation, one number for all channels or one each.

    label: shown in forms. bgr: does the network take the blue channel first? mean and deviation are in the order red,
    green, blue.
    """

    label: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    bgr: bool = False

    def factor_and_offset(self, channels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Factor and offset for pixels in [0, 1], each (channels,) float32, in the network's channel order."""
        mean, deviation = (np.array(values, np.float64) for values in (self.mean, self.deviation))
        order = slice(None, None, -1) if self.bgr else slice(None)
        factor, offset = (1 / deviation)[order], (-mean / deviation)[order]
        return tuple(np.broadcast_to(values.astype(np.float32), (channels,)) for values in (factor, offset))  # type: ignore[return-value]


_IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)

SCALES: Final[dict[Scaling, Scale]] = {
    "byte": Scale("0 to 255, as they are (the model scales inside)", (0.0,), (1 / 255,)),
    "unit": Scale("0 to 1", (0.0,), (1.0,)),
    "signed": Scale("-1 to 1 (keras.applications, mode “tf”)", (0.5,), (0.5,)),
    "caffe": Scale(
        "0 to 255 less ImageNet's mean, BGR (mode “caffe”: VGG, ResNet50)",
        (123.68 / 255, 116.779 / 255, 103.939 / 255),
        (1 / 255,) * 3,
        bgr=True,
    ),
    "torch": Scale("less ImageNet's mean, by its deviation (mode “torch”: DenseNet)", _IMAGENET_MEAN, (0.229, 0.224, 0.225)),
    "custom": Scale("less a mean and by a deviation of your own", (), ()),
}
"""Scaling -> how it changes pixels in [0, 1]; the first five are plain ranges and the modes of keras.applications.

The numbers of "custom" are those of the model's own `Preprocessing`.
"""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the input of one model; stored in the model's card.

    size: (height, width) of the network's input; the region is resized to it without keeping its aspect ratio.
    channels: 1, or 3 equal channels for networks that were first trained on colour images.
    region: "image" shows everything; "lungs" shows the lungs' box, black outside the lungs, with lung contrast normalised.
    scaling: a key of SCALES. mean, deviation, bgr: as in `Scale`, for pixels in [0, 1]; of scaling "custom" alone.
    Raises ValueError for an unknown region or scaling, and for numbers that do not fit the channels.

    >>> Preprocessing(scaling="signed").value_range
    (-1.0, 1.0)
    """

    size: tuple[int, int] = (224, 224)
    channels: int = 3
    region: Region = "image"
    scaling: Scaling = "signed"
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    bgr: bool = False

    def __post_init__(self) -> None:
        if self.region not in get_args(Region) or self.scaling not in SCALES:
            raise ValueError(f"Unknown preprocessing: region {self.region!r}, scaling {self.scaling!r}.")
        custom = self.scaling == "custom"
        if not custom and (self.mean or self.deviation or self.bgr):
            raise ValueError(f"Scaling {self.scaling!r} has its own mean and deviation; 'custom' takes others.")
        counts = {len(self.scale.mean), len(self.scale.deviation)}
        if not counts <= {1, self.channels}:
            raise ValueError(
                f"Scaling {self.scaling!r} needs a mean and a deviation, one or as many as the {self.channels} channel(s); "
                f"received {len(self.scale.mean)} and {len(self.scale.deviation)}."
            )
        if not all(np.isfinite(self.scale.mean)) or not all(0 < value < np.inf for value in self.scale.deviation):
            raise ValueError("Means must be numbers and deviations positive numbers.")

    @classmethod
    def read(cls, cells: Mapping[str, Any]) -> "Preprocessing":
        """From the JSON of a card; fields that older cards lack have their default. Raises ValueError and TypeError."""
        lists = {name: tuple(cells[name]) for name in ("size", "mean", "deviation") if name in cells}
        return cls(**{**cells, **lists})

    @property
    def scale(self) -> Scale:
        """The scale of `scaling`."""
        row = SCALES[self.scaling]
        return Scale(row.label, self.mean, self.deviation, self.bgr) if self.scaling == "custom" else row

    @property
    def value_range(self) -> tuple[float, float]:
        """Smallest and largest value that an image can have as the network's input."""
        factor, offset = self.scale.factor_and_offset(self.channels)
        return float(offset.min()), float((factor + offset).max())


@dataclass(frozen=True, eq=False)
class ModelInput:
    """One image as a network receives it, and the part of the image that it shows.

    pixels: (height, width, channels) float32 in the range of the model's scaling.
    box: the part of the image that `pixels` shows.
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
        """A map (h, w) of this input resized bilinearly to the image: (H, W) float32, 0 where the model saw nothing."""
        laid = np.zeros(self.image_shape, np.float32)
        size = (self.box.width, self.box.height)
        laid[self.box.top : self.box.bottom, self.box.left : self.box.right] = cv2.resize(
            heatmap.astype(np.float32), size, interpolation=cv2.INTER_LINEAR
        )
        return laid


def region_pixels(image: XrayImage, region: Region, lung_mask: NDArray[np.bool_] | None) -> tuple[NDArray[np.float32], Box]:
    """The image pixels that a model sees, at image resolution, and their box.

    lung_mask: (H, W) bool of the image's shape; needed for region "lungs". With an empty mask the whole image is shown, so
    that a model can still predict; the caller warns that the lungs were not found.
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
    factor, offset = spec.scale.factor_and_offset(spec.channels)
    return (pixels[..., None] * factor + offset).astype(np.float32)


def preprocess(image: XrayImage, spec: Preprocessing, lung_mask: NDArray[np.bool_] | None = None) -> ModelInput:
    """The input of a model whose card has the preprocessing `spec`. `lung_mask` as in `region_pixels`."""
    pixels, box = region_pixels(image, spec.region, lung_mask)
    return ModelInput(scaled(resized(pixels, spec.size), spec), box, image.shape)


def resized(pixels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) -> size (height, width) float32; area averaging when shrinking, so that detail does not alias.

    >>> resized(np.array([[0, 1], [1, 2]], np.float32), (1, 1)).tolist()
    [[1.0]]
    """
    height, width = size
    shrinking = pixels.shape[0] * pixels.shape[1] > height * width
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return cv2.resize(pixels, (width, height), interpolation=interpolation).astype(np.float32)
