"""How much of a heatmap is inside a region."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def energy_in_mask(heatmap: NDArray[np.float32], mask: Mask | NDArray[np.float32], seen: Mask | None = None) -> float:
    """Share of the map's positive sum inside the mask (energy-based pointing game, Wang 2020); NaN for a map of zeros.

    heatmap, mask: (h, w); a float mask in [0, 1] says how much of each cell belongs to the region. seen: (h, w) bool, the
    part of the map that counts, by default all of it. Returns a share in [0, 1]; negative values of a signed map do not
    count.

    >>> energy_in_mask(np.array([[3, 1], [-2, 0]], np.float32), np.array([[True, False], [True, False]]))
    0.75
    """
    positive = np.maximum(heatmap, 0)
    total = cv2.sumElems(positive)[0] if seen is None else _sum_inside(positive, seen)  # in float64
    if not total > 0:
        return float("nan")
    if mask.dtype == bool:
        inside = mask.astype(bool, copy=False)
        return float(_sum_inside(positive, inside if seen is None else inside & seen) / total)
    counted = positive if seen is None else positive * seen
    return float(cv2.sumElems(counted.astype(np.float64) * mask)[0] / total)


def _sum_inside(values: NDArray[np.float32], mask: Mask) -> float:
    """The sum inside a mask without a masked copy, which costs more than the sum."""
    return float(cv2.mean(values, mask.view(np.uint8))[0] * np.count_nonzero(mask))
