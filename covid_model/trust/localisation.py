"""How well a heatmap (H, W) matches a mask (H, W): pure array functions."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.explain.energy import energy_in_mask

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

TOLERANCE: Final = 0.03
"""A maximum this near a lesion counts as a hit: 15 pixels on an image of 500, as in the pointing game's paper."""


def hits(heatmap: Array, mask: Mask) -> float:
    """Pointing game (Zhang 2018, arXiv 1608.00507, sec. 4.2): share of the map's maxima within TOLERANCE of the mask.

    0 or 1 for a map with one maximum; with several, the chance that a random one of them hits.
    """
    radius = round(TOLERANCE * max(mask.shape))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    near = cv2.dilate(mask.astype(np.uint8), disc).astype(bool)
    return float(near[heatmap == heatmap.max()].mean())


def precision(heatmap: Array, mask: Mask) -> float:
    """Area under the precision-recall curve of the map's cells against the mask; chance is the mask's share of the image.

    Computed at a quarter of the image's resolution, which is finer than heatmaps are; NaN for a mask that vanishes there.
    """
    from sklearn.metrics import average_precision_score

    size = (max(1, mask.shape[1] // 4), max(1, mask.shape[0] // 4))
    truth = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    if not truth.any():
        return float("nan")
    return float(average_precision_score(truth.ravel(), cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA).ravel()))


def lesion_scores(heatmap: Array, lesions: Mask) -> dict[str, float]:
    """Pointing game ("hit"), share inside ("energy") and area under precision-recall ("auprc") of one map on one image."""
    return {
        "hit": hits(heatmap, lesions),
        "energy": energy_in_mask(heatmap, lesions),
        "auprc": precision(heatmap, lesions),
    }
