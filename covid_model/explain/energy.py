"""How much of a heatmap is inside a region."""

import cv2
import numpy as np
from numpy.typing import NDArray


def energy_in_mask(heatmap: NDArray[np.float32], mask: NDArray[np.bool_] | NDArray[np.float32]) -> float:
    """Share of the map's positive sum inside the mask (energy-based pointing game, Wang 2020); NaN for a map of zeros.

    heatmap, mask: (h, w); a float mask in [0, 1] says how much of each cell belongs to the region. Returns a share in
    [0, 1]; negative values of a signed map do not count.

    >>> energy_in_mask(np.array([[3, 1], [-2, 0]], np.float32), np.array([[True, False], [True, False]]))
    0.75
    """
    positive = np.maximum(heatmap, 0)
    total = cv2.sumElems(positive)[0]  # in float64
    if not total > 0:
        return float("nan")
    inside = cv2.copyTo(positive, mask.view(np.uint8)) if mask.dtype == bool else positive.astype(np.float64) * mask
    return float(cv2.sumElems(inside)[0] / total)
