"""The rules of DICOM for grey values, one table that is applied from top to bottom."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import ImageError
from covid_model.images.dicom_header import PALETTES, Header
from covid_model.images.dicom_lut import read_lut
from covid_model.images.grey import Colours, luminance
from covid_model.images.pixels import FLAT

CONTRAST: Final = 1 / 16
"""Range of grey that a window must leave."""
INSIDE: Final = 0.05
"""Share of pixels that a window must leave between black and white where nearly all others are at one end."""
LEAST_INSIDE: Final = 0.01
"""The same where others are at both ends; with less, the window is a threshold."""


@dataclass
class Grey:
    """The distinct stored values of one image on their way to grey. All (n,).

    raw: as stored, unsigned. values: what they mean so far. counts: pixels of each. padding: those outside the image.
    """

    header: Header
    raw: NDArray[np.int64]
    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    padding: NDArray[np.bool_]


def stored_bits(grey: Grey) -> None:
    """Use the BitsStored bits below HighBit, with their sign. The bits in use show where the header misstates alignment."""
    dataset, used = grey.header.dataset, int(np.bitwise_or.reduce(grey.raw))
    allocated, bits = int(dataset.BitsAllocated), int(dataset.BitsStored)
    shift = int(dataset.HighBit) - bits + 1
    free = (1 << (allocated - bits)) - 1
    if shift == 0 and used >> bits and not used & free:
        shift = allocated - bits
    elif shift and used & ((1 << shift) - 1) and not used >> bits:
        shift = 0
    whole = (grey.raw >> shift) & ((1 << bits) - 1)
    if dataset.PixelRepresentation:
        whole = np.where(whole >= 1 << (bits - 1), whole - (1 << bits), whole)
    grey.values = whole.astype(np.float64)


def padding(grey: Grey) -> None:
    """PixelPaddingValue, or the range up to PixelPaddingRangeLimit, is outside the image (PS3.3 C.7.5.1.1.2)."""
    first = grey.header.number("PixelPaddingValue", "padding value")
    if first is None:
        return
    last = grey.header.number("PixelPaddingRangeLimit", "padding range")
    ends = [first, first if last is None else last]
    allocated = int(grey.header.dataset.BitsAllocated)
    as_stored = grey.raw
    if grey.header.dataset.PixelRepresentation:
        half, full = 1 << (allocated - 1), 1 << allocated
        as_stored = np.where(grey.raw >= half, grey.raw - full, grey.raw)
        ends = [end - full if end >= half else end for end in ends]
    low, high = min(ends), max(ends)
    inside = (as_stored >= low) & (as_stored <= high) | (grey.values >= low) & (grey.values <= high)
    if not inside.all():
        grey.padding = inside


def palette(grey: Grey) -> None:
    """PALETTE COLOR: the colours of the three tables as grey, checked as every colour image is."""
    header = grey.header
    if header.dataset.PhotometricInterpretation != "PALETTE COLOR":
        return
    signed = bool(header.dataset.PixelRepresentation)
    tables = [read_lut(header, name, signed=signed, title="palette") for name in PALETTES]
    found = [table for table in tables if table is not None]
    if len(found) < 3:
        raise ImageError("The palette of the DICOM file cannot be read; export the image as grey.")
    channels = np.stack([np.clip(table(grey.values) / table.top, 0, 1) for table in found], -1).astype(np.float32)
    colours = Colours()
    colours.add(channels, grey.counts)
    header.notes.extend(colours.notes())
    grey.values = luminance(channels).astype(np.float64)


def modality(grey: Grey) -> None:
    """The modality LUT, else slope and intercept (PS3.3 C.11.1)."""
    header = grey.header
    if item := header.item("ModalityLUTSequence"):
        signed = bool(header.dataset.PixelRepresentation)
        if table := read_lut(item, "LUT", signed=signed, title="modality lookup table", owner=header):
            grey.values = table(grey.values)
            return
    slope = header.number("RescaleSlope", "rescale slope")
    intercept = header.number("RescaleIntercept", "rescale intercept")
    if slope == 0:
        header.unreadable("rescale slope")
    grey.values = grey.values * (slope or 1) + (intercept or 0)


def values_of_interest(grey: Grey) -> None:
    """The VOI LUT, else the first readable window (PS3.3 C.11.2), where they leave contrast; else the image's own range."""
    header = grey.header
    if header.dataset.PhotometricInterpretation == "PALETTE COLOR":
        return
    shown, note = None, ""
    if item := header.item("VOILUTSequence"):
        signed = bool(grey.values.min() < 0)
        if table := read_lut(item, "LUT", signed=signed, title="VOI lookup table", owner=header):
            shown, note = np.clip(table(grey.values) / table.top, 0, 1), "Shown through the lookup table of the DICOM file."
    if shown is None and (pair := _window(header)):
        shape = header.text("VOILUTFunction") or "LINEAR"
        shown, note = window(grey.values, *pair, shape), "Shown through the window of the DICOM file."
    if shown is not None and not _leaves_an_image(shown, grey):
        shown, note = None, "The window of the DICOM file leaves no contrast. Stretched from smallest to largest value."
    if shown is None:
        shown, note = _own_range(grey), note or "Stretched from smallest to largest value."
    grey.values = shown
    header.notes.insert(0, note)


def _window(header: Header) -> tuple[float, float] | None:
    """(centre, width) of the first window of which both can be read."""
    centres, widths = header.numbers("WindowCenter"), header.numbers("WindowWidth")
    smallest = 0 if header.text("VOILUTFunction") in ("SIGMOID", "LINEAR_EXACT") else 1
    for centre, width in zip(centres, widths, strict=False):
        if centre is not None and width is not None and width >= smallest and width > 0:
            return centre, width
    if centres or widths:
        header.unreadable("window")
    return None


def window(values: NDArray[np.float64], centre: float, width: float, shape: str) -> NDArray[np.float64]:
    """A VOI window (DICOM PS3.3 C.11.2.1.2): LINEAR, LINEAR_EXACT or SIGMOID. (n,) -> float64 in [0, 1]."""
    if shape == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -60, 60)))
    if shape == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    return np.clip((values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5, 0, 1)


def _leaves_an_image(shown: NDArray[np.float64], grey: Grey) -> bool:
    """Is there contrast, with a share of the pixels between black and white?"""
    shades, counts = shown[~grey.padding], grey.counts[~grey.padding]
    if shades.max() - shades.min() < CONTRAST:
        return False
    black, white = (float(counts[shades == end].sum() / counts.sum()) for end in (0, 1))
    inside = 1 - black - white
    return len(shades) <= 2 or inside >= INSIDE or (max(black, white) < 1 - 2 * INSIDE and inside >= LEAST_INSIDE)


def _own_range(grey: Grey) -> NDArray[np.float64]:
    low, high = (float(end) for end in (grey.values[~grey.padding].min(), grey.values[~grey.padding].max()))
    if high <= low:
        raise ImageError(FLAT)
    return np.clip((grey.values - low) / (high - low), 0, 1)


def monochrome1(grey: Grey) -> None:
    """MONOCHROME1 shows its smallest value white."""
    if grey.header.dataset.PhotometricInterpretation == "MONOCHROME1":
        grey.values = 1 - grey.values


def black_padding(grey: Grey) -> None:
    """Padding is black."""
    grey.values = np.where(grey.padding, 0, grey.values)


GREY_RULES: Final[tuple[Callable[[Grey], None], ...]] = (
    stored_bits,
    padding,
    palette,
    modality,
    values_of_interest,
    monochrome1,
    black_padding,
)
"""From stored values to grey in [0, 1]."""
