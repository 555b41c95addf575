"""Known faults in the drawn data set, so that the quality checks can be tried on something where the answer is known."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.data.labels import LABELS


@dataclass(frozen=True)
class Fault:
    """One planted fault. check: key of the quality check that should find it. path: of the image. what: one sentence."""

    check: str
    path: str
    what: str


def again(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same picture as another export of it would be: slightly smaller and softer."""
    side = round(0.9 * image.shape[1])
    return np.asarray(cv2.resize(image, (side, round(side * image.shape[0] / image.shape[1])), interpolation=cv2.INTER_AREA))


def copied(
    rows: list[dict[str, str]], count: int, write: Callable[[dict[str, str], str, bool], dict[str, str]]
) -> tuple[list[dict[str, str]], list[Fault]]:
    """`count` copies of images for each of four faults; the rows of the copies, and the faults.

    rows: of drawn images, all of different patients, 4 * count of them. write: (row, suffix of the name, the same bytes?)
    writes the copy and returns its row.
    """
    added, faults = [], []
    for place, row in enumerate(rows[: 4 * count]):
        kind = ("repeated", "near", "leaks", "disputed")[place % 4]
        copy = write(row, kind, kind == "repeated")
        name = Path(row["path"]).name
        if kind == "repeated":
            what = f"The same file as {name}."
        elif kind == "near":
            copy["patient"] = f"{row['patient']}-other"
            what = f"Another export of {name}, filed under another patient."
        elif kind == "leaks":
            what = f"Another export of {name}, moved to another split."
        else:
            copy["label"] = _other(row["label"], place)
            what = f"Another export of {name}, which is labelled {row['label']}."
        added.append(copy)
        faults.append(Fault(kind, copy["path"], what))
    return added, faults


def planted(table: pd.DataFrame, faults: list[Fault], count: int) -> tuple[pd.DataFrame, list[Fault]]:
    """The manifest's table with `count` patients in two splits, `count` wrong labels, and the copies that leak moved.

    Returns the changed table and all faults. table: of honest labels and splits, in which the copies of `faults` are.
    """
    table, found = table.copy(), list(faults)
    leaking = {fault.path for fault in faults if fault.check == "leaks"}
    moved = table["path"].isin(leaking)
    table.loc[moved, "split"] = np.where(table.loc[moved, "split"] == "train", "test", "train")
    free = ~table["path"].isin({fault.path for fault in faults}) & ~table["patient"].isin(table.loc[moved, "patient"])
    several = table[free & (table["split"] == "train") & table.duplicated("patient", keep=False)]
    for index in several.drop_duplicates("patient").index[:count]:
        table.loc[index, "split"] = "test"
        found.append(Fault("patients", table["path"][index], "Moved to the test split; its patient has images in training."))
        free[index] = False
    held_out = table[free & (table["split"] != "train")].drop_duplicates("patient")
    for place, index in enumerate(held_out.index[:count]):
        true = table["label"][index]
        table.loc[index, "label"] = _other(true, place)
        found.append(Fault("mislabelled", table["path"][index], f"Drawn as {true}."))
    return table, found


def _other(label: str, place: int) -> str:
    """A label that is not `label`."""
    return [name for name in LABELS if name != label][place % 2]
