"""The good files that hostile ones are made of: a drawn image in every format and compression."""

import struct
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    generate_uid,
)

SIDE: Final = 96


def drawn() -> np.ndarray:
    """(96, 96) uint8: a slope with texture."""
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    return ((rows + cols + 20 * np.sin(rows / 5)) % 256).astype(np.uint8)


def encoded(pixels: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """A Pillow format's bytes."""
    stream = BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(stream, kind, **options)
    return stream.getvalue()


def dicom(syntax: UID = ExplicitVRLittleEndian, frame: bytes | None = None, /, **attributes: Any) -> bytes:
    """A radiograph of the drawn pixels, 8 bits; `frame` is put in as its one compressed frame."""
    with disable_value_validation():
        item = Dataset()
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID = syntax
        item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1")
        item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = generate_uid(entropy_srcs=["hostile"])
        item.Modality, item.PhotometricInterpretation, item.SamplesPerPixel = "CR", "MONOCHROME2", 1
        item.Rows = item.Columns = SIDE
        item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 8, 8, 7, 0
        item.PixelData = drawn().tobytes() if frame is None else encapsulate([frame])
        item["PixelData"].VR = "OB"
        item["PixelData"].is_undefined_length = frame is not None
        for name, value in attributes.items():
            setattr(item, name, value)
        stream = BytesIO()
        item.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@lru_cache(maxsize=1)
def seeds() -> dict[str, bytes]:
    """Good files of every format and compression."""
    deep = drawn().astype(np.uint16) * 200
    found = {kind.lower(): encoded(drawn(), kind) for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF")}
    found |= {
        "png16": encoded(deep, "PNG"),
        "tiff-lzw": encoded(deep, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": encoded(drawn(), "TIFF", compression="jpeg"),
        "tiff-float": encoded(drawn().astype(np.float32), "TIFF"),
        "jpeg-progressive": encoded(np.stack([drawn()] * 3, -1), "JPEG", progressive=True),
        "dicom": dicom(WindowCenter="120", WindowWidth="200", PixelSpacing=["0.2", "0.2"]),
        "dicom-deflated": dicom(DeflatedExplicitVRLittleEndian),
        "dicom-rle": dicom(RLELossless, rle()),
        "dicom-jpeg": dicom(JPEGBaseline8Bit, found["jpeg"]),
        "dicom-j2k": dicom(JPEG2000Lossless, encoded(drawn(), "JPEG2000", no_jp2=True)),
    }
    return found


def rle() -> bytes:
    """One RLE frame of literal runs, a row each (PS3.5 G)."""
    body = b"".join(bytes([SIDE - 1]) + row.tobytes() for row in drawn())
    return struct.pack("<16L", 1, 64, *[0] * 14) + body + b"\0" * (len(body) % 2)
