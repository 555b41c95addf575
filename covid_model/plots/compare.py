"""Several heatmaps side by side, on one scale or each on its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covid_model.explain.overlay import blended, heat, outlined, scale_top


@dataclass(frozen=True, eq=False)
class Panel:
    """One heatmap over its image. grey: (H, W) uint8. heatmap: (H, W) float32 raw. lungs: (H, W) bool, may be empty."""

    title: str
    grey: NDArray[np.uint8]
    heatmap: NDArray[np.float32]
    lungs: NDArray[np.bool_]
    signed: bool


def shared_top(panels: Sequence[Panel]) -> float:
    """Where the one scale of all panels ends: the largest of their own ends. Means something for one method's maps only."""
    return max((scale_top(panel.heatmap) for panel in panels), default=0.0)


def panel_picture(panel: Panel, *, opacity: float, colormap: str, top: float | None) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: image, heatmap up to `top` (its own scale for None) and the outline of the lungs."""
    over = heat(panel.heatmap, opacity, colormap, signed=panel.signed, top=top)
    return outlined(blended(panel.grey, over), panel.lungs)
