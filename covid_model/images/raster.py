"""PNG, JPEG, WebP, BMP and TIFF -> XrayImage."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from covid_model.errors import ImageError
from covid_model.images.grey import Colours, luminance
from covid_model.images.headers import MAX_PAGES, tiff_pages, webp_size
from covid_model.images.pixels import bands, check_size, stretched
from covid_model.images.xray_image import XrayImage

DECODE_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises, by format, on damaged files. MemoryError is not damage and passes."""

DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow modes of more than 8 bits, all of them grey."""

MIN_IS_WHITE: Final = 0
PHOTOMETRIC: Final = 262
ORIENTATION: Final = 274

UPRIGHT: Final[dict[int, Callable[[NDArray], NDArray]]] = {
    2: np.fliplr,
    3: lambda pixels: pixels[::-1, ::-1],
    4: np.flipud,
    5: np.transpose,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].T,
    8: np.rot90,
}
"""EXIF orientation -> what turns the stored rows and columns upright; 1 is upright."""


@dataclass(frozen=True)
class Format:
    """One file format: its name, how its first bytes look, and the Pillow class that parses the header.

    The class is called directly because `Image.open` warns of large images before their size can be refused.
    """

    name: str
    matches: Callable[[bytes], bool]
    reader: Callable[[BytesIO], Any]


FORMATS: Final = (
    Format("png", lambda b: b.startswith(b"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    Format("jpeg", lambda b: b.startswith(b"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    Format("webp", lambda b: b[:4] == b"RIFF" and b[8:12] == b"WEBP", WebPImagePlugin.WebPImageFile),
    Format("bmp", lambda b: b.startswith(b"BM") and len(b) > 26, BmpImagePlugin.BmpImageFile),
    Format("tiff", lambda b: b[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImagePlugin.TiffImageFile),
)


def read_raster(data: bytes, kind: Format, digest: str) -> XrayImage:
    """Decode an image of format `kind`. Raises ImageError as `images.read.read_image` does."""
    picture, pages = _opened(data, kind)
    if pages > 1:
        many = f"{pages} images" if pages < MAX_PAGES else f"{MAX_PAGES} images or more"
        raise ImageError(f"The {kind.name.upper()} holds {many}; give a single one.")
    try:
        white = kind.name == "tiff" and picture.tag_v2.get(PHOTOMETRIC) == MIN_IS_WHITE
        picture.load()
        upright = UPRIGHT.get(_orientation(picture), np.asarray)
        deep = np.asarray(picture) if picture.mode in DEEP_MODES else None
        pixels, colours = (None, None) if deep is not None else _eight_bits(picture)
    except DECODE_ERRORS as error:
        raise _damaged(kind) from error
    if deep is not None:
        pixels = stretched(deep)
        pixels = 1 - pixels if white else pixels
        notes: tuple[str, ...] = ("More than 8 bits: stretched from smallest to largest value.",)
    else:
        assert colours is not None
        notes = colours.notes()
    return XrayImage(upright(pixels), digest, kind.name, notes=notes)


def _opened(data: bytes, kind: Format) -> tuple[Any, int]:
    """The parsed header, its size checked, and the number of images in the file."""
    try:
        if kind.name == "webp" and (size := webp_size(data)):
            check_size(*size)  # Pillow's reader sets the canvas up at once
        picture = kind.reader(BytesIO(data))
        check_size(picture.height, picture.width)
        return picture, tiff_pages(data) if kind.name == "tiff" else getattr(picture, "n_frames", 1)
    except DECODE_ERRORS as error:
        raise _damaged(kind) from error


def _damaged(kind: Format) -> ImageError:
    return ImageError(f"The {kind.name.upper()} is damaged or cut short; copy or export it again.")


def _orientation(picture: Any) -> int:
    """The EXIF orientation, 1 to 8; a damaged EXIF block is no reason to refuse an image."""
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except DECODE_ERRORS:
        return 1


def _eight_bits(picture: Image.Image) -> tuple[NDArray[np.float32], Colours]:
    """(H, W) float32 in [0, 1] and its colours; transparency over black, palette and CMYK resolved."""
    pixels, colours = np.empty((picture.height, picture.width), np.float32), Colours()
    grey = picture.mode in ("1", "L") and "transparency" not in picture.info
    clear = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    for rows in bands(*pixels.shape):
        band = picture.crop((0, rows.start, picture.width, rows.stop))
        channels = np.asarray(band.convert("L" if grey else "RGBA" if clear else "RGB"), np.float32) / np.float32(255)
        if grey:
            pixels[rows] = channels
            continue
        if clear:
            channels = channels[..., :3] * channels[..., 3:]
        pixels[rows] = luminance(channels)
        colours.add(channels)
    return pixels, colours if colours.total else _colourless(pixels.size)


def _colourless(size: int) -> Colours:
    """The colour count of an image without colour channels."""
    colours = Colours()
    colours.total = size
    return colours
