"""Quantiles of whole images without sorting them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE: Final = 2**14
"""Values that bracket a quantile before the others are looked at."""
SLACK: Final = 256
"""Half the bracket in places of the sorted sample: four standard deviations of a random sample's median."""


def quantiles(values: NDArray[np.float32], shares: Sequence[float]) -> list[float]:
    """What `np.quantile(values, shares)` gives, exact, and several times as fast for millions of values.

    values: of any shape, finite, not empty. shares: each in [0, 1]. A sample brackets each quantile, and only the values in
    the bracket are put in order (Floyd & Rivest 1975, doi 10.1145/360680.360691).

    Example:
        >>> quantiles(np.arange(101, dtype=np.float32), (0.25, 0.5))
        [25.0, 50.0]
    """
    flat = values.ravel()
    sample = np.sort(flat[:: max(1, flat.size // SAMPLE)])
    return [_quantile(flat, sample, share) for share in shares]


def _quantile(flat: NDArray[np.float32], sample: NDArray[np.float32], share: float) -> float:
    rank, place = share * (flat.size - 1), round(share * (len(sample) - 1))
    low = sample[place - SLACK] if place >= SLACK else -np.inf
    high = sample[place + SLACK] if place + SLACK < len(sample) else np.inf
    near, first = flat[(flat >= low) & (flat <= high)], int(rank) - int(np.count_nonzero(flat < low))
    if not 0 <= first < len(near) - 1:  # the sample misled, as it does for stripes of its own spacing
        near, first = flat, int(rank)
    last = min(first + 1, len(near) - 1)
    ordered = np.partition(near, (first, last))
    one, other = float(ordered[first]), float(ordered[last])
    return one + (other - one) * (rank - int(rank))
