"""Operations with a lung mask: bounding box, dilation, suppression outside, intensity normalisation inside.

Pure array functions; the mask comes from `covid_model.lungs.segment` or from a data source.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.quantiles import quantiles

MARGIN = 0.05
"""Margin around the lungs' bounding box, as a share of its larger side, so that the pleural edge stays in the crop."""

GROW = 0.02
"""How far the mask is dilated before suppression, as a share of the box's larger side: tolerance for mask errors."""


class Box(NamedTuple):
    """A rectangle of image pixels: rows top..bottom, columns left..right, ends excluded.

    >>> Box(10, 20, 40, 30).height, Box(10, 20, 40, 30).width
    (30, 10)
    """

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
    """The bounding box of a non-empty (H, W) mask, enlarged by `margin` of its larger side and clipped to the image.

    Raises ValueError for an empty mask.

    >>> mask = np.zeros((100, 100), bool)
    >>> mask[20:60, 30:50] = True
    >>> lung_box(mask)
    Box(top=18, left=28, bottom=62, right=52)
    """
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
    """The (H, W) mask dilated by a disc of radius `pixels`; negative values erode it.

    >>> mask = np.zeros((5, 5), bool)
    >>> mask[2, 2] = True
    >>> int(grown(mask, 1).sum())
    5
    """
    if pixels == 0:
        return mask
    return _dilated(mask, pixels) if pixels > 0 else ~_dilated(~mask, -pixels)


def _dilated(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """`cv2.dilate` with its disc, pixel for pixel, in a time that does not grow with the disc's area.

    The distance to the mask decides all pixels but those about one radius away, since the disc is rounded to pixels; for
    these the rim of the disc is tried cell by cell.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(bool)
    down, across = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    squares = down**2 + across**2
    # Nearer than every cell outside the disc, beyond its window included: surely in it. One is for rounding.
    sure, most = min(int(squares[~disc].min(initial=(radius + 1) ** 2)), (radius + 1) ** 2) - 1, int(squares[disc].max()) + 1
    away = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    found = away < np.sqrt(sure)
    rows, cols = np.nonzero((away <= np.sqrt(most)) & ~found)
    padded, hit = np.pad(mask, radius), np.zeros(len(rows), bool)
    rim = disc & (squares >= sure - 1)
    for row, col in zip(*np.nonzero(rim), strict=True):
        hit |= padded[rows + row, cols + col]
    found[rows[hit], cols[hit]] = True
    return found


def only_lungs(pixels: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The image with everything outside the mask set to 0, intensities normalised inside. (H, W) float32 in [0, 1].

    Inside, the 1st and 99th percentile of the lung pixels become 0 and 1, clipped. Contrast from the lungs alone removes
    differences of window, exposure and scanner, by which a model could otherwise recognise the hospital. mask: not empty.

    >>> only_lungs(np.array([[0.2, 0.4, 0.9]], np.float32), np.array([[True, True, False]])).tolist()
    [[0.0, 1.0, 0.0]]
    """
    shown, inside = np.zeros(pixels.shape, np.float32), pixels[mask]
    low, high = quantiles(inside, (0.01, 0.99))
    stretched = (inside.astype(np.float64) - low) / max(high - low, 1e-3)
    shown[mask] = np.clip(stretched, 0.0, 1.0, out=stretched)
    return shown
