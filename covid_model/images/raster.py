"""PNG, JPEG, WebP, BMP and TIFF -> XrayImage."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from covid_model.errors import ImageError
from covid_model.images.pixels import check_size, checked, stretched
from covid_model.images.xray_image import XrayImage

DECODE_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What Pillow raises, by format, on damaged files."""

DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow modes of more than 8 bits, all of them grey."""

MIN_IS_WHITE: Final = 0
PHOTOMETRIC: Final = 262

COLOURED: Final = 0.16
"""Difference of the largest and smallest channel, of 1, above which a pixel is coloured: beyond JPEG chroma noise."""
COLOURED_SHARE: Final = 0.05
"""Up to this share of coloured pixels is an arrow or a caption on a grey image."""
ONE_HUE: Final = 0.97
"""Length of the mean hue vector above which a picture is a grey image in one tint."""


@dataclass(frozen=True)
class Format:
    """One file format: its name, how its first bytes look, and the Pillow class that parses the header.

    The class is called directly because `Image.open` warns of large pictures before their size can be refused.
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
    """Decode a picture of format `kind`. Raises ImageError as listed at `images.read.read_image`."""
    picture = _opened(data, kind)
    check_size(picture.height, picture.width)
    if getattr(picture, "n_frames", 1) > 1:
        raise ImageError(f"The {kind.name.upper()} holds {picture.n_frames} pictures; give a single one.")
    try:
        white = kind.name == "tiff" and picture.tag_v2.get(PHOTOMETRIC) == MIN_IS_WHITE
        picture.load()
        picture = _upright(picture)
        if picture.mode in DEEP_MODES:
            values = np.asarray(picture, dtype=np.float64)
        else:
            channels = _channels(picture)
    except DECODE_ERRORS as error:
        raise ImageError(f"The {kind.name.upper()} is damaged or cut short and cannot be decoded.") from error
    if picture.mode in DEEP_MODES:
        pixels = stretched(-values if white else values)
        notes: tuple[str, ...] = ("More than 8 bits: stretched from its smallest to its largest value.",)
    else:
        pixels, notes = _grey(channels)
    return XrayImage(checked(pixels), digest, kind.name, notes=notes)


def _opened(data: bytes, kind: Format) -> Any:
    try:
        return kind.reader(BytesIO(data))
    except DECODE_ERRORS as error:
        raise ImageError(f"The {kind.name.upper()} is damaged or cut short: its header cannot be read.") from error


def _upright(picture: Any) -> Any:
    """Turned as its EXIF orientation says; a damaged EXIF block is no reason to refuse an image."""
    try:
        return ImageOps.exif_transpose(picture)
    except DECODE_ERRORS:
        return picture


def _channels(picture: Image.Image) -> NDArray[np.float32]:
    """(H, W) or (H, W, 3) float32 in [0, 1]; transparency over black, palette and CMYK resolved."""
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L"), np.float32) / np.float32(255)
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB"), np.float32) / np.float32(255)


def _grey(channels: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """One grey channel, and a note where colour was dropped. Raises ImageError for a colour photograph."""
    if channels.ndim == 2:
        return channels, ()
    luminance = (channels @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    spread = channels.max(axis=-1) - channels.min(axis=-1)
    coloured = spread > COLOURED
    share = float(coloured.mean())
    if share == 0:
        return luminance, ()
    if share <= COLOURED_SHARE:
        return luminance, (f"{share:.1%} of the image is coloured (a marker or caption?) and was read as grey.",)
    if _one_hue(channels[coloured]):
        return luminance, ("The image is tinted and was read as grey.",)
    raise ImageError(f"This is a colour photograph ({share:.0%} of it is coloured); give a grey chest X-ray.")


def _one_hue(pixels: NDArray[np.float32]) -> bool:
    """Do (n, 3) coloured pixels all share one hue? Hue as the angle in the plane of colour differences."""
    red, green, blue = pixels[:, 0], pixels[:, 1], pixels[:, 2]
    plane = (red - (green + blue) / 2) + 1j * (np.sqrt(3) / 2) * (green - blue)
    return bool(np.abs((plane / np.maximum(np.abs(plane), 1e-6)).mean()) > ONE_HUE)
