"""What is done with a lung mask: bounding box, crop, suppression outside, intensity normalisation inside.

Pure array functions; the mask comes from `covid_model.lungs.segment` or from a data source.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

MARGIN = 0.05
"""Margin around the lungs' bounding box, as a share of its larger side, so that the pleural edge stays in the crop."""

GROW = 0.02
"""How far the mask is grown before suppression, as a share of the box's larger side: tolerance for mask errors."""


class Box(NamedTuple):
    """A rectangle of image pixels: rows top..bottom, columns left..right, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows covered."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns covered."""
        return self.right - self.left


def whole(shape: tuple[int, int]) -> Box:
    """The box that covers an image of `shape` (height, width)."""
    return Box(0, 0, shape[0], shape[1])


def lung_box(mask: NDArray[np.bool_], margin: float = MARGIN) -> Box:
    """The bounding box of a non-empty (H, W) mask, grown by `margin` of its larger side and cut at the image's edge."""
    rows = np.flatnonzero(mask.any(axis=1))
    cols = np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        raise ValueError("Received an empty lung mask; a box needs at least one lung pixel.")
    top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
    pad = round(margin * max(bottom - top, right - left))
    return Box(
        int(max(0, top - pad)),
        int(max(0, left - pad)),
        int(min(mask.shape[0], bottom + pad)),
        int(min(mask.shape[1], right + pad)),
    )


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The (H, W) mask dilated by a disc of radius `pixels`; negative values erode it."""
    if pixels == 0:
        return mask
    radius = abs(pixels)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    change = cv2.dilate if pixels > 0 else cv2.erode
    return change(mask.astype(np.uint8), disc).astype(bool)


def normalised_inside(pixels: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Stretch so that the 1st and 99th percentile of the lung pixels become 0 and 1, clipped.

    Contrast set by the lungs alone removes the window, the exposure and the scanner's grey scale, by which a model could
    otherwise recognise the hospital. pixels, result: (H, W) float32 in [0, 1].
    """
    low, high = np.percentile(pixels[mask], (1.0, 99.0))
    return np.clip((pixels - low) / max(high - low, 1e-3), 0.0, 1.0).astype(np.float32)


def only_lungs(pixels: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The image with everything outside the mask set to 0, intensities normalised inside. (H, W) float32 in [0, 1]."""
    return np.where(mask, normalised_inside(pixels, mask), np.float32(0.0)).astype(np.float32)
