"""Radiologists' annotations: boxes of the RSNA challenge on NIH images, Brixia scores of Cohen's collection."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from covid_model.data.labels import Label
from covid_model.data.source import OTHER_READ
from covid_model.data.tables import find_table, read_table
from covid_model.errors import DataError

RSNA_FOLDER: Final = "rsna-pneumonia"
"""Below the folder of ChestX-ray14."""
RSNA_SIDE: Final = 1024
"""Boxes are given in pixels of a square original of this side."""
RSNA_LABELS: Final[Mapping[str, Label]] = {"Lung Opacity": "Pneumonia", "Normal": "Normal"}
"""Opinion of the challenge's radiologists -> label; they were asked for opacities that suggest pneumonia."""
BRIXIA_FILE: Final = "annotations/brixia-scores.csv"
"""Below the folder of Cohen's collection."""
ZONES: Final[Mapping[str, str]] = {
    "A": "right upper",
    "B": "right middle",
    "C": "right lower",
    "D": "left upper",
    "E": "left middle",
    "F": "left lower",
}
"""Lung zones of the Brixia score (Borghesi and Maroldi 2020), right and left of the patient."""
READERS: Final[Mapping[str, str]] = {"S": "senior", "J": "junior"}
MOST: Final = 3
"""Highest score of a zone."""


@dataclass(frozen=True)
class OpacityBox:
    """The bounding box of an opacity in pixels of an image: left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    def scaled(self, across: float, down: float) -> "OpacityBox":
        """The same box on an image resized by these factors.

        >>> OpacityBox(10, 20, 30, 40).scaled(0.5, 2)
        OpacityBox(x=5.0, y=40, width=15.0, height=80)
        """
        return OpacityBox(self.x * across, self.y * down, self.width * across, self.height * down)


@dataclass(frozen=True)
class RsnaRead:
    """One NIH image as read by radiologists of the RSNA Pneumonia Detection Challenge (Shih 2019).

    opinion: "Lung Opacity", "No Lung Opacity / Not Normal" or "Normal". original: opacities in pixels of the original.
    """

    opinion: str
    original: tuple[OpacityBox, ...]

    def boxes(self, shape: tuple[int, int]) -> tuple[OpacityBox, ...]:
        """The opacities in pixels of an image of `shape` (height, width)."""
        height, width = shape
        return tuple(box.scaled(width / RSNA_SIDE, height / RSNA_SIDE) for box in self.original)


def rsna_reads(folder: Path) -> dict[str, RsnaRead]:
    """Name of the NIH image without suffix -> its read. folder: of the challenge's tables.

    Raises DataError where a table is missing or lacks a column.
    """
    images = _cells(folder, "mapping.csv", "patientId", "Image Index")
    opinions = {cells[0]: cells[1] for cells in _cells(folder, "stage_2_detailed_class_info.csv", "patientId", "class")}
    sides = ("x", "y", "width", "height")
    boxes: dict[str, list[OpacityBox]] = defaultdict(list)
    for patient, target, *numbers in _cells(folder, "stage_2_train_labels.csv", "patientId", "Target", *sides):
        if target == "1":
            boxes[patient].append(OpacityBox(*(_number(text, "stage_2_train_labels.csv") for text in numbers)))
    return {Path(name).stem: RsnaRead(opinions.get(patient, ""), tuple(boxes[patient])) for patient, name in images}


def rsna_labels(folder: Path) -> dict[str, str]:
    """Name of the NIH image without suffix -> label by the challenge's radiologists, OTHER_READ where it is none of ours.

    folder: of ChestX-ray14; empty without the challenge's tables in it. Raises DataError for a damaged table.
    """
    place = folder / RSNA_FOLDER
    if not place.is_dir():
        return {}
    return {name: RSNA_LABELS.get(read.opinion, OTHER_READ) for name, read in rsna_reads(place).items() if read.opinion}


@dataclass(frozen=True)
class BrixiaScore:
    """One radiologist's Brixia score of one image. zones: letter (ZONES) -> 0 to 3."""

    zones: Mapping[str, int]

    @property
    def total(self) -> int:
        """The sum of the zones, 0 to 18."""
        return sum(self.zones.values())


def brixia_scores(table: Path) -> dict[str, dict[str, BrixiaScore]]:
    """Name of the image without suffix -> "senior" and "junior" -> score.

    Raises DataError where the table is missing or a score is not 0, 1, 2 or 3.
    """
    columns = [f"{reader}-{zone}" for reader in READERS for zone in ZONES]
    found = {}
    for name, *texts in _cells(table.parent, table.name, "filename", *columns):
        if wrong := [text for text in texts if text not in map(str, range(MOST + 1))]:
            raise DataError(f"{table.name} has the score {wrong[0]!r} for {name}; zones are scored 0 to {MOST}.")
        scores = dict(zip(columns, map(int, texts), strict=True))
        found[Path(name).stem] = {
            title: BrixiaScore({zone: scores[f"{reader}-{zone}"] for zone in ZONES}) for reader, title in READERS.items()
        }
    return found


def _cells(folder: Path, name: str, *columns: str) -> list[tuple[str, ...]]:
    """Some columns of a table, row by row."""
    table = read_table(find_table(folder, [name]))
    table.need(*columns)
    return [tuple(cells[column] for column in columns) for cells in table.rows]


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"{name} has {text!r} where a number of pixels is needed.") from None
