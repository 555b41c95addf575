"""The technical attributes of a DICOM file; a faulty optional one gives a note, and the image is still read."""

import math
import re
import zlib
from io import BytesIO
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.pixels.utils import pixel_array

from covid_model.errors import ImageError

PALETTES: Final = tuple(f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue"))

TAGS: Final = [
    "Modality",
    "ViewPosition",
    "BodyPartExamined",
    "PatientOrientation",
    "FieldOfViewHorizontalFlip",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "PixelAspectRatio",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PlanarConfiguration",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    *(f"{palette}{part}" for palette in PALETTES for part in ("Descriptor", "Data")),
    "PixelData",
    "EncryptedAttributesSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "FloatPixelData",
    "DoubleFloatPixelData",
]
"""The only attributes parsed."""

TEXT_VRS: Final = frozenset({"CS", "DS", "IS", "LO", "SH", "ST", "LT", "UN"})
DEFLATED: Final = b"1.2.840.10008.1.2.1.99"
GROUP_LENGTH: Final = b"\x02\0\0\0UL\x04\0"
"""How the length of a file's header is stated."""
NOT_DEFLATED: Final = b"1.2.840.10008.1.2.1\0\0\0"
MAX_INFLATED: Final = 100 * 2**20
"""Bound of an inflated data set; an image of the largest size with two bytes a pixel has half of it."""


UNREADABLE: Final = (ValueError, TypeError, LookupError, AttributeError, OSError, RuntimeError, BytesLengthException)
"""What pydicom raises for one faulty value."""


class Header:
    """One parsed data set. notes: what was left out because it could not be read, in the order of reading."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.notes: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self.dataset

    def texts(self, name: str) -> list[str]:
        """The values of an attribute as stripped text; empty where it is absent or cannot be read."""
        try:
            element = self.dataset.get_item(name)
            value = None if element is None else element.value
            if isinstance(value, bytes) and (element.VR or dictionary_VR(name)) not in TEXT_VRS:
                value = self.dataset[name].value
        except (
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            NotImplementedError,
            pydicom.errors.BytesLengthException,
        ):
            return ["?"]
        if value is None or value in (b"", ""):
            return []
        if isinstance(value, bytes):
            value = value.decode("latin-1").split("\\")
        pieces = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
        return [str(piece).strip(" \0") for piece in pieces]

    def text(self, name: str) -> str:
        """The first value in capitals, "" where there is none."""
        return (self.texts(name) or [""])[0].upper()

    def numbers(self, name: str) -> list[float | None]:
        """The values as finite numbers, None for those that cannot be read; a decimal comma is a point."""
        return [_number(text) for text in self.texts(name)]

    def number(self, name: str, title: str) -> float | None:
        """The first value as a number, or None; with a note that names `title` where a value cannot be read."""
        found = self.numbers(name)
        if not found or (len(found) == 1 and not self.texts(name)[0]):
            return None
        if found[0] is None:
            self.unreadable(title)
        return found[0]

    def whole(self, name: str, title: str, default: int) -> int:
        """The first value as a whole number, or the default with a note."""
        value = self.number(name, title)
        return default if value is None else int(value)

    def item(self, name: str) -> "Header | None":
        """The first item of a sequence, or None."""
        try:
            items = self.dataset.get(name)
        except UNREADABLE:
            return None
        return Header(items[0]) if items else None

    def unreadable(self, title: str) -> None:
        """Note that the attribute called `title` cannot be read and is treated as absent."""
        note = f"The {title} of the DICOM file cannot be read and is ignored."
        if note not in self.notes:
            self.notes.append(note)

    @property
    def big_endian(self) -> bool:
        """Are numbers stored with the most significant byte first?"""
        return self.dataset.original_encoding[1] is False


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e30 else None


def parsed(data: bytes) -> Header:
    """The technical attributes of a file; a deflated one is inflated within bounds. Raises what pydicom raises."""
    return Header(pydicom.dcmread(BytesIO(_inflated(data)), force=True, specific_tags=list(TAGS)))


def _inflated(data: bytes) -> bytes:
    """A deflated data set as a plain one, with its header's transfer syntax changed; other files as they are."""
    if data[128:140] != b"DICM" + GROUP_LENGTH:
        return data
    start = 144 + int.from_bytes(data[140:144], "little")
    if DEFLATED not in data[144:start]:
        return data
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflater.decompress(data[start:], MAX_INFLATED)
    if inflater.unconsumed_tail:
        raise ImageError(f"The DICOM file unpacks to more than {MAX_INFLATED // 2**20} MB; export it uncompressed.")
    if not inflater.eof:
        raise EOFError("deflated stream is cut short")
    return data[:start].replace(DEFLATED, NOT_DEFLATED) + plain


def size(header: Header) -> tuple[int, int]:
    """(rows, columns) that the file states, 0 where it does not."""
    return header.whole("Rows", "number of rows", 0), header.whole("Columns", "number of columns", 0)


def complete(header: Header) -> None:
    """Set the attributes that pydicom's decoder needs and a file may lack or misstate."""
    dataset = header.dataset
    if "TransferSyntaxUID" not in dataset.file_meta:  # DICOM's default, of files without a header
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    dataset.Rows, dataset.Columns = size(header)
    samples = header.whole("SamplesPerPixel", "number of channels", 1) or 1
    allocated = header.whole("BitsAllocated", "number of bits", 16)
    stored = header.whole("BitsStored", "number of stored bits", allocated)
    dataset.SamplesPerPixel, dataset.BitsAllocated = samples, allocated
    dataset.BitsStored = stored if 0 < stored <= allocated else allocated
    high = header.whole("HighBit", "highest bit", dataset.BitsStored - 1)
    dataset.HighBit = high if dataset.BitsStored - 1 <= high < allocated else dataset.BitsStored - 1
    dataset.PixelRepresentation = int(header.whole("PixelRepresentation", "sign of the pixels", 0) == 1)
    if samples > 1:
        dataset.PlanarConfiguration = header.whole("PlanarConfiguration", "order of the channels", 0)
    dataset.NumberOfFrames = 1
    photometric = header.text("PhotometricInterpretation")
    if compact := re.fullmatch(r"MONOCHROME\W*_?([12])", photometric):
        photometric = f"MONOCHROME{compact[1]}"
    if samples == 1 and photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"):
        header.unreadable("photometric interpretation")
        photometric = "MONOCHROME2"
    dataset.PhotometricInterpretation = photometric


def frame(header: Header) -> NDArray[Any]:
    """The pixels as pydicom decodes them, (H, W) or (H, W, 3). Raises what pydicom and its decoders raise.

    All bits are kept, since pydicom drops those above BitsStored without a look at where the image is.
    """
    return np.asarray(pixel_array(header.dataset, correct_unused_bits=False))
