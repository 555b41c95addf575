"""Bytes -> XrayImage, by what the bytes are and not by what the file is called."""

import hashlib
from pathlib import Path
from typing import Final

from covid_model.errors import ImageError
from covid_model.images.dicom import is_dicom, is_encrypted, read_dicom
from covid_model.images.raster import FORMATS, read_raster
from covid_model.images.xray_image import XrayImage

MAX_BYTES: Final = 200 * 2**20
READABLE: Final = "PNG, JPEG, WebP, BMP, TIFF or DICOM"

STRANGERS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"GIF8", "a GIF picture"),
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
"""First bytes -> what the file looks like, for kinds that people upload by mistake."""


def load_image(path: str | Path) -> XrayImage:
    """Read an image from disk. Raises ImageError when the path is no readable file, or for the reasons of `read_image`."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(
                f"The file has {path.stat().st_size / 2**20:.0f} MB; images up to {MAX_BYTES // 2**20} MB work."
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder; name the images in it.") from None
    except OSError as error:
        raise ImageError(f"{path} cannot be opened: {error.strerror}.") from error
    return read_image(data)


def read_image(data: bytes) -> XrayImage:
    """Turn the bytes of one file into an XrayImage.

    Raises ImageError, with one sentence, for bytes that are empty, truncated, no picture, no single-frame radiograph, too
    small, too large, flat, not finite, coloured or encrypted.
    """
    if not data:
        raise ImageError("The file is empty.")
    if len(data) > MAX_BYTES:
        raise ImageError(f"The file has {len(data) / 2**20:.0f} MB; images up to {MAX_BYTES // 2**20} MB work.")
    digest = hashlib.sha256(data).hexdigest()
    for row in FORMATS:
        if row.matches(data):
            return read_raster(data, row, digest)
    if is_encrypted(data):
        raise ImageError("The file is encrypted; export the image without encryption.")
    if is_dicom(data):
        return read_dicom(data, digest)
    raise ImageError(f"The file is {_looks_like(data)}; an image must be {READABLE}.")


def _looks_like(data: bytes) -> str:
    """A few words on what the bytes are instead of an image."""
    head = data[:64].lstrip()
    for first, words in STRANGERS:
        if head.startswith(first):
            return words
    if data[4:8] == b"ftyp":
        return "a HEIC picture or a video"
    if b"\x00" not in data[:2048]:
        return "a text file"
    return "not a picture this program knows"
