"""Where the colours of a heatmap end."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.images.quantiles import quantiles

TOP_SHARE: Final = 0.998
"""The scale ends at this quantile, because a few pixels of gradient maps are far above all others."""


def scale_top(heatmap: NDArray[np.float32]) -> float:
    """The value at which the colours of a raw map (H, W) end: its largest absolute value without outliers.

    >>> scale_top(np.zeros((2, 2), np.float32))
    0.0
    """
    size = np.abs(heatmap)
    return quantiles(size, (TOP_SHARE,))[0] or float(size.max())
