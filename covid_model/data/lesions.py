"""Outlines of lesions: by radiologists on images of Cohen's collection, and as drawn on images of the demo data set."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FOLDER: Final = Path("annotations") / "radiologist-segmentations"
"""Beside `images/`: one folder a kind of finding, one PNG an image, from the 100 outlined images of General Blockchain."""
KINDS: Final = ("ground_glass_opacities", "consolidation")
DRAWN_LESIONS: Final = Path("annotations") / "drawn-lesions"
"""Beside `images/` of a drawn hospital: one PNG for each image with lesions, of its name."""


def _drawings(image: Path) -> list[NDArray[np.uint8]]:
    """The stored outlines of an image that are not empty."""
    folders = [*(FOLDER / kind for kind in KINDS), DRAWN_LESIONS]
    paths = [image.parent.parent / folder / f"{image.stem}.png" for folder in folders]
    drawn = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths if path.is_file()]
    return [np.asarray(outline, np.uint8) for outline in drawn if outline is not None and outline.any()]


def is_outlined(image: Path) -> bool:
    """Are lesions outlined on the image at `image`?"""
    return bool(_drawings(image))


def lesion_mask(image: Path, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """All outlined lesions together, (H, W) bool of `shape`; None for an image without outlines."""
    found = [cv2.resize(outline, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0 for outline in _drawings(image)]
    return np.logical_or.reduce(found) if found else None
