"""What radiologists marked on the images of a manifest: boxes of the RSNA challenge, outlines of lesions, Brixia scores."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.data.annotations import BRIXIA_FILE, RSNA_FOLDER, BrixiaScore, RsnaRead, brixia_scores, rsna_reads
from covid_model.data.lesions import lesion_mask

Mask = NDArray[np.bool_]

OUTLINES: Final = "outlines"
BOXES: Final = "boxes"
ZONE_SCORES: Final = "zones"


@dataclass(frozen=True)
class Marked:
    """One image of a manifest that radiologists marked or scored. read: None without; zones: by reader, empty without."""

    path: Path
    patient: str
    split: str
    label: str
    digest: str
    read: RsnaRead | None
    zones: dict[str, BrixiaScore]

    def masks(self, shape: tuple[int, int]) -> dict[str, Mask]:
        """Kind -> what is marked on the image, (H, W) bool; only those that marked something."""
        found = {}
        if self.read is not None and self.read.original:
            mask = np.zeros(shape, np.uint8)
            for box in self.read.boxes(shape):
                corner = (round(box.x), round(box.y)), (round(box.x + box.width) - 1, round(box.y + box.height) - 1)
                cv2.rectangle(mask, *corner, 1, cv2.FILLED)
            found[BOXES] = mask.astype(bool)
        outlined = lesion_mask(self.path, shape)
        return found if outlined is None else {**found, OUTLINES: outlined}


def marked_images(table: pd.DataFrame) -> list[Marked]:
    """The images of a manifest that any radiologist marked or scored."""

    @cache
    def reads(folder: Path) -> dict[str, RsnaRead]:
        return rsna_reads(folder / RSNA_FOLDER) if (folder / RSNA_FOLDER).is_dir() else {}

    @cache
    def scores(folder: Path) -> dict[str, dict[str, BrixiaScore]]:
        return brixia_scores(folder / BRIXIA_FILE) if (folder / BRIXIA_FILE).is_file() else {}

    found = []
    for row in table.itertuples():
        path = Path(row.path)
        folder = path.parent.parent
        read = reads(folder).get(path.stem)
        one = Marked(path, row.patient, row.split, row.label, row.digest, read, scores(folder).get(path.stem, {}))
        if one.zones or one.masks((8, 8)):
            found.append(one)
    return found
