"""DICOM -> XrayImage. Only technical attributes are parsed, so nothing about a person can leave this package."""

import struct
import zlib
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.errors import BytesLengthException, InvalidDicomError

from covid_model.errors import ImageError
from covid_model.images.body_part import other_part
from covid_model.images.dicom_geometry import GEOMETRY_RULES, spacing
from covid_model.images.dicom_header import Header, complete, frame, parsed, size
from covid_model.images.dicom_rules import GREY_RULES, Grey
from covid_model.images.grey import Colours, luminance
from covid_model.images.headers import codestream_size
from covid_model.images.pixels import bands, check_size
from covid_model.images.view import projection
from covid_model.images.xray_image import XrayImage

RADIOGRAPHS: Final = frozenset({"CR", "DX", "RG", "OT", "SC", "DR", ""})
OTHER_MODALITIES: Final = {
    "CT": "a CT",
    "MR": "an MR",
    "US": "an ultrasound",
    "MG": "a mammography",
    "NM": "a nuclear medicine",
    "PT": "a PET",
    "XA": "an angiography",
    "RF": "a fluoroscopy",
    "ES": "an endoscopy",
    "SM": "a microscopy",
}

DECODE_ERRORS: Final = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    OSError,
    EOFError,
    ArithmeticError,
    AssertionError,
    struct.error,
    zlib.error,
    BytesLengthException,
    InvalidDicomError,
)
"""What pydicom and its decoders raise on damaged files. MemoryError is not damage and passes."""

CMS_ENVELOPED: Final = bytes.fromhex("06092a864886f70d010703")
"""Object identifier with which an encrypted DICOM file (PS3.15, secure media) begins."""


def is_encrypted(data: bytes) -> bool:
    """Is this a CMS envelope, as DICOM's secure media profile wraps files in?"""
    return data[:1] == b"\x30" and CMS_ENVELOPED in data[:32]


def has_dicom_mark(data: bytes) -> bool:
    """Is the mark behind the preamble there? It takes precedence over the preamble's own bytes."""
    return data[128:132] == b"DICM"


def starts_like_dicom(data: bytes) -> bool:
    """Does a file without the mark begin with an element of group 0002 or 0008?"""
    return data[:2] in (b"\x02\x00", b"\x08\x00") and data[3:4] == b"\x00"


def read_dicom(data: bytes, digest: str) -> XrayImage:
    """Decode a single-frame grey radiograph. Raises ImageError as `images.read.read_image` does."""
    try:
        with pydicom.config.disable_value_validation():
            header = parsed(data)
            _refuse(header)
            complete(header)
            pixels = _grey(header)
            stated = spacing(header)
            squares = pixels
            for rule in GEOMETRY_RULES:
                squares = rule(squares, header)
            view = projection(header.text("ViewPosition"))
            if part := other_part(header.text("BodyPartExamined")):
                header.notes.append(f"The DICOM file says that it shows {part}, not a chest.")
    except DECODE_ERRORS as error:
        why = _why(error)
        # `from None`: the decoder's own message may quote the file.
        sentence = f"The DICOM file is damaged, cut short or compressed in an unknown way{why}; export it uncompressed."
        raise ImageError(sentence) from None
    scale = _side(stated, pixels, squares)
    return XrayImage(squares, digest, "dicom", view=view, spacing_mm=scale, notes=tuple(header.notes))


def _why(error: BaseException) -> str:
    """Says so where a decoder is not installed; other messages are not passed on, since they may quote the file."""
    return " (no decoder for its compression is installed)" if "missing dependencies" in str(error) else ""


def _refuse(header: Header) -> None:
    """Raise ImageError for anything but a single-frame radiograph, and for sizes out of bounds."""
    if "PixelData" not in header:
        if "EncryptedAttributesSequence" in header:
            raise ImageError("The DICOM file is encrypted; export the image without encryption.")
        if "FloatPixelData" in header or "DoubleFloatPixelData" in header:
            raise ImageError("The DICOM file holds pixels as fractions, as parametric maps do; give the radiograph itself.")
        raise ImageError("The DICOM file has no image (a report or other document?); give the image itself.")
    modality = header.text("Modality")
    if modality not in RADIOGRAPHS:
        kind = OTHER_MODALITIES.get(modality, "another kind of")
        raise ImageError(f"The DICOM file holds {kind} image; give a chest radiograph (modality CR or DX).")
    frames = header.whole("NumberOfFrames", "number of frames", 1)
    if frames > 1:
        raise ImageError(f"The DICOM file holds {frames} frames; give a single one.")
    check_size(*size(header))
    if header.dataset["PixelData"].is_undefined_length and (own := codestream_size(get_frame(header.dataset.PixelData, 0))):
        check_size(*own)


def _grey(header: Header) -> NDArray[np.float32]:
    """(H, W) float32 in [0, 1]; the rules are applied once to each distinct stored value and looked up for the pixels."""
    stored = frame(header)
    if stored.ndim == 3:
        return _from_channels(header, stored)
    if stored.ndim != 2 or stored.dtype.kind not in "iu":
        raise ValueError("no rows and columns of whole numbers")
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")
    stored = stored.view(unsigned.newbyteorder(stored.dtype.byteorder)).astype(unsigned, copy=False)
    if stored.dtype.itemsize > 2:
        distinct, inverse, number = np.unique(stored, return_inverse=True, return_counts=True)
        return _shades(header, distinct, number)[inverse.reshape(stored.shape)].astype(np.float32)
    counts = np.zeros(1 << 8 * stored.dtype.itemsize, np.int64)
    for rows in bands(*stored.shape):
        counts += np.bincount(stored[rows].ravel(), minlength=len(counts))
    present = np.flatnonzero(counts)
    table = np.zeros(len(counts), np.float32)
    table[present] = _shades(header, present, counts[present])
    pixels = np.empty(stored.shape, np.float32)
    for rows in bands(*stored.shape):
        pixels[rows] = table[stored[rows]]
    return pixels


def _shades(header: Header, raw: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    grey = Grey(header, raw.astype(np.int64), raw.astype(np.float64), counts, np.zeros(len(raw), bool))
    for rule in GREY_RULES:
        rule(grey)
    return grey.values


def _from_channels(header: Header, stored: NDArray[Any]) -> NDArray[np.float32]:
    """Grey from channels that are equal but for noise, a marker or a tint; pydicom has converted YBR to RGB."""
    pixels, colours = np.empty(stored.shape[:2], np.float32), Colours()
    top = np.float32(2 ** int(header.dataset.BitsStored) - 1)
    for rows in bands(*stored.shape[:2]):
        channels = np.clip(stored[rows].astype(np.float32) / top, 0, 1)
        pixels[rows] = luminance(channels)
        colours.add(channels)
    header.notes.extend(colours.notes())
    return pixels


def _side(stated: tuple[float, float] | None, before: NDArray, after: NDArray) -> tuple[float, float] | None:
    """(row, column) spacing after resampling to square pixels."""
    if stated is None or before.size == after.size:
        return stated
    side = min(stated) if after.size > before.size else max(stated)
    return side, side
