"""Bytes -> XrayImage in this process, by what the bytes are and not by what the file is called.

The decoders below are C libraries that a crafted file can crash: `images.read` calls this in a worker process.
"""

import hashlib
import warnings
from typing import Final

from covid_model.errors import ImageError
from covid_model.images.dicom import has_dicom_mark, is_encrypted, read_dicom, starts_like_dicom
from covid_model.images.pixels import EMPTY, checked
from covid_model.images.raster import FORMATS, read_raster
from covid_model.images.xray_image import XrayImage

READABLE: Final = "PNG, JPEG, WebP, BMP, TIFF or DICOM"

OTHER_FILES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive; unpack it and give the image inside"),
    (b"\x1f\x8b", "a gzip archive; unpack it and give the image inside"),
    (b"Rar!", "a RAR archive; unpack it and give the image inside"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"\x89HDF", "an HDF5 file"),
)
"""First bytes -> description, for kinds of file that people upload by mistake."""


def decode(data: bytes) -> XrayImage:
    """Decode one file. Raises ImageError as `images.read.read_image` does, MemoryError when memory runs out."""
    if not data:
        raise ImageError(EMPTY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders' warnings quote the file, and a name may be in it
        return checked(_read(data, hashlib.sha256(data).hexdigest()))


def _read(data: bytes, digest: str) -> XrayImage:
    if data.startswith(b"DICM"):  # written without the 128 bytes that go before
        data = bytes(128) + data
    if has_dicom_mark(data):  # before all others, since the 128 bytes before it are free and may look like a TIFF
        return read_dicom(data, digest)
    for row in FORMATS:
        if row.matches(data):
            return read_raster(data, row, digest)
    if is_encrypted(data):
        raise ImageError("The file is encrypted; export the image without encryption.")
    if starts_like_dicom(data):
        return read_dicom(data, digest)
    raise ImageError(f"The file is {_looks_like(data)}; an image must be {READABLE}.")


def _looks_like(data: bytes) -> str:
    """A short description of bytes that are not an image."""
    head = data[:64].lstrip()
    for first, description in OTHER_FILES:
        if head.startswith(first):
            return description
    if data[4:8] == b"ftyp":
        return "a HEIC image or a video"
    if b"\x00" not in data[:2048]:
        return "a text file"
    return "of a kind that this program does not read"
