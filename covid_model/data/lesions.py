"""What radiologists outlined on films of covid-chestxray-dataset."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path("annotations") / "radiologist-segmentations"
"""Beside `images/`: one folder a kind of finding, one PNG a film, from the 100 outlined films of General Blockchain."""
KINDS: Final = ("ground_glass_opacities", "consolidation")


def lesion_mask(film: Path, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Ground glass and consolidation together, (H, W) bool of `shape`; None where nobody outlined the film at `film`."""
    together = np.zeros(shape, bool)
    for kind in KINDS:
        path = film.parent.parent / FOLDER / kind / f"{film.stem}.png"
        drawn = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
        if drawn is not None:
            together |= cv2.resize(drawn, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return together if together.any() else None
