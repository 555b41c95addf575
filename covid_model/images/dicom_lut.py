"""Lookup tables of DICOM files (PS3.3 C.11.1, C.11.2 and C.7.9)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covid_model.images.dicom_header import UNREADABLE, Header


@dataclass(frozen=True, eq=False)
class Lut:
    """entries: (n,) float64. first: the value that the first entry is for. top: the entry that means white."""

    entries: NDArray[np.float64]
    first: int
    top: float

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The entry for each value; values beyond either end get the end's entry."""
        index = np.clip(np.round(values) - self.first, 0, len(self.entries) - 1)
        return self.entries[index.astype(np.int64)]


def read_lut(header: Header, name: str, *, signed: bool, title: str, owner: Header | None = None) -> Lut | None:
    """The table whose descriptor is `<name>Descriptor` and whose entries are `<name>Data`.

    signed: is the first mapped value signed, as the pixels are? None, with a note of `owner` that names `title`, when the
    table is absent, empty, or shorter than its descriptor says.
    """
    descriptor = _words(header, f"{name}Descriptor")
    entries = None
    if descriptor is not None and len(descriptor) == 3:
        count = int(descriptor[0]) or 65536
        entries = _entries(header, f"{name}Data", count)
    if descriptor is None or entries is None or entries.max() == 0:
        (owner or header).unreadable(title)
        return None
    first, bits = int(descriptor[1]), int(descriptor[2])
    return Lut(entries.astype(np.float64), first - 65536 if signed and first >= 32768 else first, _top(entries, bits))


def _top(entries: NDArray[np.uint16], bits: int) -> float:
    """The entry that means white: of the declared depth, or the largest one where that is above or below half of it."""
    held, declared = float(entries.max()), 2.0**bits - 1
    return held if not 1 <= bits <= 16 or held > declared or 2 * held <= declared else declared


def _entries(header: Header, name: str, count: int) -> NDArray[np.uint16] | None:
    """`count` entries from words, or from bytes where only so many are there; None where there are fewer."""
    words = _words(header, name)
    if words is None:
        return None
    if len(words) >= count:
        return words[:count]
    packed = words.astype("<u2").view(np.uint8)  # 8-bit entries, the first in the low byte of each word
    return packed[:count].astype(np.uint16) if len(packed) >= count else None


def _words(header: Header, name: str) -> NDArray[np.uint16] | None:
    """An attribute's value as unsigned words, whether pydicom gives numbers or bytes."""
    try:
        value = header.dataset.get(name)
        if isinstance(value, bytes):
            odd = value + b"\0" * (len(value) % 2)
            return np.frombuffer(odd, ">u2" if header.big_endian else "<u2").astype(np.uint16)
        if value is None or value == "":
            return None
        return (np.atleast_1d(np.asarray(value, np.int64)) & 0xFFFF).astype(np.uint16)
    except UNREADABLE:
        return None
