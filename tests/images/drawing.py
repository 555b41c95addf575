"""Draws the picture and DICOM files that the reader is tested on."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

HEIGHT, WIDTH = 80, 96


def ramp(levels: int = 256) -> np.ndarray:
    """(HEIGHT, WIDTH) integers rising from 0 to levels - 1, left to right; the top left 16 x 16 corner at the top value."""
    values = np.tile(np.round(np.linspace(0, levels - 1, WIDTH)).astype(np.int64), (HEIGHT, 1))
    values[:16, :16] = levels - 1
    return values


def encoded(array: np.ndarray, kind: str, **options: Any) -> bytes:
    """`array` as the bytes of a Pillow format."""
    stream = BytesIO()
    Image.fromarray(array).save(stream, kind, **options)
    return stream.getvalue()


def png(array: np.ndarray | None = None) -> bytes:
    """An 8-bit grey PNG, by default of `ramp`."""
    return encoded(ramp().astype(np.uint8) if array is None else array, "PNG")


@disable_value_validation()
def dataset(pixels: np.ndarray | None = None, bits: int = 12, **attributes: Any) -> Dataset:
    """A computed radiography data set with 16 bits allocated, by default of `ramp` at 12 bits."""
    values = ramp(1 << bits) if pixels is None else pixels
    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID
    item.Modality = "CR"
    item.Rows, item.Columns = values.shape
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated, item.BitsStored, item.HighBit = 16, bits, bits - 1
    item.PixelRepresentation = int(values.min() < 0)
    item.PixelData = values.astype(np.int16 if values.min() < 0 else np.uint16).tobytes()
    for name, value in attributes.items():
        setattr(item, name, value)
    return item


def saved(item: Dataset) -> bytes:
    """The data set as a DICOM file."""
    stream = BytesIO()
    with disable_value_validation():
        item.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
