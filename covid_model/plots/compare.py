"""Several heatmaps side by side, with one colour scale for all or for each."""

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
    """The end of a colour scale for all panels, the largest of their own; only maps of one method are comparable."""
    return max((scale_top(panel.heatmap) for panel in panels), default=0.0)


def panel_picture(panel: Panel, *, opacity: float, colormap: str, top: float | None) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: image, heatmap on a scale up to `top` (None: its own) and the outline of the lungs."""
    over = heat(panel.heatmap, opacity, colormap, signed=panel.signed, top=top)
    return outlined(blended(panel.grey, over), panel.lungs)
