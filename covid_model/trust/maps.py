"""Similarity of two heatmaps of one shape: pure array functions."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.lung_region import Box

Array = NDArray[np.float32]

SIDE: Final = 64
"""Maps are compared at this size: finer than a class activation map, coarser than the noise of a gradient."""


def comparable(heatmap: Array, box: Box) -> Array:
    """The part of an image-sized map (H, W) inside `box`, resized to (SIDE, SIDE) float32, values unscaled."""
    seen = heatmap[box.top : box.bottom, box.left : box.right]
    return np.asarray(cv2.resize(seen, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def rank_correlation(one: Array, other: Array) -> float:
    """Spearman's rank correlation of two maps, in [-1, 1]; 0 where a map is constant.

    >>> one = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    >>> rank_correlation(one, one**2), rank_correlation(one, np.zeros_like(one))
    (1.0, 0.0)
    """
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other, axis=None).statistic)


def ssim(one: Array, other: Array) -> float:
    """Structural similarity (Wang 2004, doi 10.1109/TIP.2003.819861, eq. 13) of two maps, each scaled to [0, 1]; at most 1.

    Gaussian window of 1.5 pixels, K1 = 0.01, K2 = 0.03, as in the paper. The mean is over all cells: that of scikit-image
    leaves out a margin of five, a third of a map of this size.
    """
    from skimage.metrics import structural_similarity

    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    _, similarity = structural_similarity(_unit(one), _unit(other), full=True, **options)
    return float(similarity.mean())


def change(before: Array, after: Array) -> float:
    """L2 distance of two maps after each is scaled to unit norm, in [0, 2].

    >>> before = np.array([[0.0, 1.0]], np.float32)
    >>> change(before, 3 * before), change(before, -before)
    (0.0, 2.0)
    """
    a, b = _unit_norm(before), _unit_norm(after)
    return float(np.linalg.norm(b - a))


def top_overlap(one: Array, other: Array, share: float = 0.1) -> float:
    """Intersection over union of the highest cells of two maps, `share` of each, in [0, 1].

    >>> one = np.arange(10, dtype=np.float32)
    >>> top_overlap(one, one), top_overlap(one, -one)
    (1.0, 0.0)
    """
    a, b = (_top(values, share) for values in (one, other))
    return float((a & b).sum() / (a | b).sum())


def _top(values: Array, share: float) -> NDArray[np.bool_]:
    chosen = np.zeros(values.size, bool)
    chosen[np.argsort(-values.ravel(), kind="stable")[: max(1, round(share * values.size))]] = True
    return chosen


def _unit(values: Array) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    low, high = wide.min(), wide.max()
    return (wide - low) / (high - low) if high > low else np.zeros_like(wide)


def _unit_norm(values: Array) -> NDArray[np.float64]:
    wide = values.astype(np.float64)
    length = np.linalg.norm(wide)
    return wide / length if length > 0 else wide
