"""The six lung zones of the Brixia score on an image, and heatmaps by zone: pure array functions."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.data.annotations import ZONES

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDES: Final = ("ABC", "DEF")
"""Zones of the patient's right lung, which an image shows on its left, and of the left one, each from above."""


def zone_masks(lungs: Mask) -> dict[str, Mask]:
    """Zone letter -> where it is, (H, W) bool: thirds of the height of each lung.

    The score's own borders are the aortic arch and the hilum; no outline of these is at hand. Empty for a side without lung.

    >>> found = zone_masks(np.ones((6, 2), bool))
    >>> {zone: int(mask.sum()) for zone, mask in found.items()}
    {'A': 2, 'B': 2, 'C': 2, 'D': 2, 'E': 2, 'F': 2}
    """
    found = {zone: np.zeros(lungs.shape, bool) for zone in ZONES}
    columns = np.flatnonzero(lungs.any(axis=0))
    if not len(columns):
        return found
    middle = (columns[0] + columns[-1] + 1) // 2
    for letters, part in zip(SIDES, (slice(None, middle), slice(middle, None)), strict=True):
        rows = np.flatnonzero(lungs[:, part].any(axis=1))
        if len(rows):
            borders = np.linspace(rows[0], rows[-1] + 1, len(letters) + 1).round().astype(int)
            for letter, top, bottom in zip(letters, borders[:-1], borders[1:], strict=True):
                found[letter][top:bottom, part] = lungs[top:bottom, part]
    return found


def zone_means(heatmap: Array, lungs: Mask) -> dict[str, float]:
    """The mean of a map's positive values in each zone; NaN for a zone without lung."""
    positive = np.maximum(heatmap, 0)
    return {zone: float(positive[mask].mean()) if mask.any() else float("nan") for zone, mask in zone_masks(lungs).items()}


def zone_correlation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Spearman's rank correlation of two values a zone, in [-1, 1].

    0 where `one` is the same in all zones, so that it says nothing. NaN where `other`, the reference, is, or a zone lacks.

    >>> score = {"A": 0, "B": 1, "C": 3, "D": 0, "E": 2, "F": 3}
    >>> zone_correlation(score, score), zone_correlation(dict.fromkeys(score, 1), score)
    (1.0, 0.0)
    """
    from scipy.stats import spearmanr

    values, reference = (np.array([side[zone] for zone in ZONES], float) for side in (one, other))
    if np.ptp(reference) == 0 or np.isnan(values).any():
        return float("nan")
    return round(float(spearmanr(values, reference).statistic), 6) if np.ptp(values) > 0 else 0.0


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order received: the chance that any of all these tests errs stays below alpha.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(values)
    adjusted = np.maximum.accumulate([(len(values) - rank) * values[index] for rank, index in enumerate(order)])
    found = np.empty(len(values))
    found[order] = np.minimum(adjusted, 1)
    return [float(value) for value in found]
