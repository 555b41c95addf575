"""The rules of DICOM for rows and columns, one table that is applied from top to bottom."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.images.dicom_header import Header
from covid_model.images.pixels import MAX_PIXELS

SQUARE: Final = 1.01
"""Ratio of the spacings up to which pixels count as square."""
OBLONG: Final = 4.0
"""Ratio beyond which a spacing is treated as an error."""


def patient_orientation(pixels: NDArray[np.float32], header: Header) -> NDArray[np.float32]:
    """Turn the image so that rows run to the patient's left and columns to the feet (PS3.3 C.7.6.1.1.1)."""
    row, column = ([*(text[:1] for text in header.texts("PatientOrientation")), "", ""])[:2]
    if row and column and row in "FH" and column in "LRAP":
        pixels, row, column = pixels.T, column, row
        header.notes.append("Turned upright according to the patient orientation of the DICOM file.")
    if column == "H":
        pixels = pixels[::-1]
        header.notes.append("Turned upside down according to the patient orientation of the DICOM file.")
    if row == "R":
        pixels = pixels[:, ::-1]
        header.notes.append(
            "Mirrored according to the patient orientation of the DICOM file: the patient's left is on the right."
        )
    elif not row and header.text("FieldOfViewHorizontalFlip") == "YES":
        header.notes.append("The DICOM file states that the image was flipped; the patient's left may be on the left.")
    return pixels


def square_pixels(pixels: NDArray[np.float32], header: Header) -> NDArray[np.float32]:
    """Resample to square pixels of the smaller side, or of the larger side where that gives too many."""
    ratio = _ratio(header)
    if 1 / SQUARE <= ratio <= SQUARE:
        return pixels
    height, width = pixels.shape
    finer = (round(height * ratio), width) if ratio > 1 else (height, round(width / ratio))
    coarser = (height, round(width / ratio)) if ratio > 1 else (round(height * ratio), width)
    size = finer if finer[0] * finer[1] <= MAX_PIXELS else coarser
    header.notes.append(f"Resampled to square pixels: {width} x {height} became {size[1]} x {size[0]}.")
    how = cv2.INTER_LINEAR if size == finer else cv2.INTER_AREA
    squares = np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=how), np.float32)
    return np.clip(squares, 0, 1, out=squares)


def spacing(header: Header) -> tuple[float, float] | None:
    """(row, column) spacing in mm that the file states, or None."""
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        found = header.numbers(name)
        if not found:
            continue
        if sides := _sides(found):
            return sides
        header.unreadable("pixel spacing")
    return None


def _sides(found: list[float | None]) -> tuple[float, float] | None:
    """Height and width of a pixel, where these are two plausible numbers."""
    if len(found) != 2 or found[0] is None or found[1] is None or min(found[0], found[1]) <= 0:
        return None
    return (found[0], found[1]) if 1 / OBLONG <= found[0] / found[1] <= OBLONG else None


def _ratio(header: Header) -> float:
    """Height of a pixel over its width."""
    if mm := spacing(header):
        return mm[0] / mm[1]
    found = header.numbers("PixelAspectRatio")
    if sides := _sides(found):
        return sides[0] / sides[1]
    if found:
        header.unreadable("pixel aspect ratio")
    return 1.0


GEOMETRY_RULES: Final[tuple[Callable[[NDArray[np.float32], Header], NDArray[np.float32]], ...]] = (
    square_pixels,
    patient_orientation,
)
"""From stored rows and columns to upright ones of square pixels."""


def to_stored_grid(header: Header) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The way back: takes (H, W) float32 on the image as read to the (Rows, Columns) of the file.

    Turns are undone, and what was resampled to square pixels is resampled again. The rules are run on two ramps to see what
    they do, so that a new rule needs nothing here.
    """
    rows, columns = int(header.dataset.Rows), int(header.dataset.Columns)
    down, across = np.mgrid[0:rows, 0:columns].astype(np.float32) / max(rows, columns)
    for rule in GEOMETRY_RULES:
        down, across = rule(down, Header(header.dataset)), rule(across, Header(header.dataset))
    transposed = abs(down[-1, 0] - down[0, 0]) < abs(down[0, -1] - down[0, 0])
    if transposed:
        down, across = down.T, across.T

    def back(values: NDArray[np.float32]) -> NDArray[np.float32]:
        stored = values.T if transposed else values
        stored = stored[::-1] if down[0, 0] > down[-1, 0] else stored
        stored = stored[:, ::-1] if across[0, 0] > across[0, -1] else stored
        if stored.shape == (rows, columns):
            return np.ascontiguousarray(stored)
        resized = cv2.resize(np.ascontiguousarray(stored), (columns, rows), interpolation=cv2.INTER_LINEAR)
        return np.asarray(resized, np.float32)

    return back
