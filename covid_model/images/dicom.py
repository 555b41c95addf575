"""DICOM -> XrayImage. Only technical attributes are parsed, so nothing about a person can leave this file."""

import struct
from io import BytesIO
from typing import Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array

from covid_model.errors import ImageError
from covid_model.images.pixels import check_size, checked, stretched
from covid_model.images.xray_image import XrayImage

# pydicom's warnings about odd values print those values, and a patient's name may be among them.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

TAGS: Final = [
    "Modality",
    "ViewPosition",
    "PixelSpacing",
    "ImagerPixelSpacing",
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
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "PixelData",
    "EncryptedAttributesSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
]
"""The only attributes parsed."""

RADIOGRAPHS: Final = frozenset({"CR", "DX", "RG", "OT", "SC", "DR", ""})
OTHER_MODALITIES: Final = {
    "CT": "CT",
    "MR": "MR",
    "US": "ultrasound",
    "MG": "mammography",
    "NM": "nuclear medicine",
    "PT": "PET",
    "XA": "angiography",
    "RF": "fluoroscopy",
    "ES": "endoscopy",
    "SM": "microscopy",
}
VIEWS: Final = {"PA": "PA", "AP": "AP", "LL": "LATERAL", "RL": "LATERAL", "LATERAL": "LATERAL", "LAT": "LATERAL"}

DECODE_ERRORS: Final = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    RuntimeError,
    OSError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    BytesLengthException,
    InvalidDicomError,
)
"""What pydicom and its decoders raise on damaged files."""

CMS_ENVELOPED: Final = bytes.fromhex("06092a864886f70d010703")
"""Object identifier with which an encrypted DICOM file (PS3.15, secure media) begins."""


def is_encrypted(data: bytes) -> bool:
    """Is this a CMS envelope, as DICOM's secure media profile wraps files in?"""
    return data[:1] == b"\x30" and CMS_ENVELOPED in data[:32]


def is_dicom(data: bytes) -> bool:
    """By the mark after the preamble, or, in files without one, by a first element of group 0002 or 0008."""
    return data[128:132] == b"DICM" or (data[:2] in (b"\x02\x00", b"\x08\x00") and data[3:4] == b"\x00")


def read_dicom(data: bytes, digest: str) -> XrayImage:
    """Decode a single-frame grey radiograph. Raises ImageError as listed at `images.read.read_image`."""
    try:
        dataset = pydicom.dcmread(BytesIO(data), force=True, specific_tags=list(TAGS))
        _refuse(dataset)
        stored = _stored(dataset, pixel_array(_with_syntax(dataset)))
        values = np.asarray(apply_modality_lut(stored, dataset), np.float64)
        pixels, note = _windowed(values, stored, dataset)
        spacing, view = _spacing(dataset), VIEWS.get(str(dataset.get("ViewPosition", "")).upper())
    except DECODE_ERRORS as error:
        why = _why(error)
        # `from None`: the decoder's own message may quote the file.
        raise ImageError(f"The DICOM file is damaged, cut short or compressed in an unknown way{why}.") from None
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        pixels = 1 - pixels
    if (padding := dataset.get("PixelPaddingValue")) is not None:
        pixels = np.where(stored == padding, np.float32(0), pixels)
    return XrayImage(checked(pixels), digest, "dicom", view=view, spacing_mm=spacing, notes=(note,))


def _why(error: BaseException) -> str:
    """Names the missing piece where a decoder is not installed; other messages are kept back."""
    return " (no decoder for its compression is installed)" if "missing dependencies" in str(error) else ""


def _with_syntax(dataset: Dataset) -> Dataset:
    """Files without a header state no transfer syntax; DICOM's default is implicit little endian."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return dataset


def _refuse(dataset: Dataset) -> None:
    """Raise ImageError for what is no single-frame grey radiograph."""
    if "PixelData" not in dataset:
        if "EncryptedAttributesSequence" in dataset:
            raise ImageError("The DICOM file is encrypted; export the image without encryption.")
        raise ImageError("The DICOM file holds no picture (a report or other document?); give the image itself.")
    modality = str(dataset.get("Modality", "") or "").upper()
    if modality not in RADIOGRAPHS:
        kind = OTHER_MODALITIES.get(modality, "another kind of")
        raise ImageError(f"The DICOM file is a {kind} image; give a chest radiograph (modality CR or DX).")
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        raise ImageError(f"The DICOM file holds {int(dataset.NumberOfFrames)} frames; give a single one.")
    if dataset.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageError("The DICOM file holds a colour picture; give a grey chest X-ray.")
    check_size(int(dataset.Rows), int(dataset.Columns))


def _stored(dataset: Dataset, pixels: NDArray) -> NDArray[np.int64]:
    """Stored values: bits above BitsStored (overlays of old scanners) removed, sign extended. (H, W) int64."""
    bits, high = int(dataset.BitsStored), int(dataset.get("HighBit", dataset.BitsStored - 1))
    values = (pixels.astype(np.int64) >> max(0, high - bits + 1)) & ((1 << bits) - 1)
    if int(dataset.get("PixelRepresentation", 0)):
        values = np.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    return values


def _windowed(values: NDArray[np.float64], stored: NDArray[np.int64], dataset: Dataset) -> tuple[NDArray[np.float32], str]:
    """Values -> [0, 1] by the file's VOI LUT, else its first window, else their own range; with a note saying which."""
    if sequence := dataset.get("VOILUTSequence"):
        return _looked_up(values, sequence[0]), "Shown through the lookup table of the DICOM file."
    centre, width = _first(dataset.get("WindowCenter")), _first(dataset.get("WindowWidth"))
    if centre is not None and width is not None and width >= 1:
        shape = str(dataset.get("VOILUTFunction", "LINEAR") or "LINEAR")
        return window(values, centre, width, shape), "Shown through the window of the DICOM file."
    padding = dataset.get("PixelPaddingValue")
    inside = values if padding is None else values[stored != padding]
    if inside.size == 0:
        raise ImageError("All pixels of the picture have the same value; there is nothing to see on it.")
    clipped = np.clip(values, inside.min(), inside.max())
    return stretched(clipped), "Stretched from its smallest to its largest value."


def _looked_up(values: NDArray[np.float64], item: Dataset) -> NDArray[np.float32]:
    """Through one VOI LUT (PS3.3 C.11.2.1.1), scaled by the table's own bit depth."""
    entries, first, bits = (int(number) for number in item.LUTDescriptor)
    if isinstance(item.LUTData, bytes):
        table = np.frombuffer(item.LUTData, np.uint8 if bits <= 8 else np.uint16).astype(np.float64)
    else:
        table = np.asarray(item.LUTData, np.float64)
    index = np.clip(values - first, 0, (entries or 65536) - 1).astype(np.int64)
    return np.clip(table[index] / (2**bits - 1), 0, 1).astype(np.float32)


def window(values: NDArray[np.float64], centre: float, width: float, shape: str) -> NDArray[np.float32]:
    """A VOI window (DICOM PS3.3 C.11.2.1.2): LINEAR, LINEAR_EXACT or SIGMOID. (H, W) -> float32 in [0, 1]."""
    if shape == "SIGMOID":
        from scipy.special import expit

        return expit(4 * (values - centre) / width).astype(np.float32)
    if shape == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1).astype(np.float32)
    return np.clip((values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5, 0, 1).astype(np.float32)


def _first(value: object) -> float | None:
    """The first number of an attribute that may hold several, one or none."""
    if value is None or value == "":
        return None
    return float(value[0]) if isinstance(value, pydicom.multival.MultiValue) else float(str(value))


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    return (float(spacing[0]), float(spacing[1])) if spacing and len(spacing) == 2 else None
