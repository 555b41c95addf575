"""Radiologists' outlines of lesions on images of Cohen's collection."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path("annotations") / "radiologist-segmentations"
"""Beside `images/`: one folder a kind of finding, one PNG an image, from the 100 outlined images of General Blockchain."""
KINDS: Final = ("ground_glass_opacities", "consolidation")


def _drawings(image: Path) -> list[NDArray[np.uint8]]:
    """The stored outlines of an image that are not empty."""
    paths = [image.parent.parent / FOLDER / kind / f"{image.stem}.png" for kind in KINDS]
    drawn = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths if path.is_file()]
    return [np.asarray(outline, np.uint8) for outline in drawn if outline is not None and outline.any()]


def is_outlined(image: Path) -> bool:
    """Did radiologists outline anything on the image at `image`?"""
    return bool(_drawings(image))


def lesion_mask(image: Path, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Ground glass and consolidation together, (H, W) bool of `shape`; None for an image without outlines."""
    found = [cv2.resize(outline, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0 for outline in _drawings(image)]
    return np.logical_or.reduce(found) if found else None
