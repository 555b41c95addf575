"""Files and bytes -> XrayImage, safe for untrusted files: the decoding is done in a worker process."""

import stat
from pathlib import Path
from typing import Final

from covid_model.errors import ImageError
from covid_model.images.pixels import EMPTY
from covid_model.images.worker import decoded
from covid_model.images.xray_image import XrayImage

MAX_BYTES: Final = 100 * 2**20


def read_image(data: bytes) -> XrayImage:
    """Turn the bytes of one file into an XrayImage.

    Raises ImageError, with one sentence, for bytes that are empty, truncated, not an image, not a single-frame radiograph,
    too small, too large, flat, not finite, coloured or encrypted, and for files that crash their decoder.
    """
    if not data:
        raise ImageError(EMPTY)
    check_bytes(len(data))
    return decoded(data)


def load_image(path: str | Path) -> XrayImage:
    """Read an image from disk. Raises ImageError when the file cannot be read, and as `read_image` does."""
    return read_image(file_bytes(path))


def file_bytes(path: str | Path) -> bytes:
    """The bytes of a regular file of at most MAX_BYTES. Raises ImageError for anything else: folders, pipes, devices."""
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{printable(path)} is a folder{_emptiness(path)}")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{printable(path)} is not a regular file (a pipe, socket or device?); name an image file.")
        check_bytes(status.st_size)
        with Path(path).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, ValueError):  # ValueError: a NUL, which no path can hold
        raise ImageError(f"There is no file {printable(path)}.") from None
    except OSError as error:
        raise ImageError(f"{printable(path)} cannot be opened: {error.strerror}.") from None
    check_bytes(len(data))
    return data


def _emptiness(path: str | Path) -> str:
    """The rest of the sentence about a folder."""
    return "; name the images in it." if any(Path(path).iterdir()) else " without a file; name one with images."


def printable(path: str | Path) -> str:
    """A path as one line of text; line breaks and other unprintable characters become question marks.

    >>> printable("chest" + chr(10) + "1.png")
    'chest?1.png'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in str(path))


def check_bytes(size: int) -> None:
    """Raise ImageError for a file of more than MAX_BYTES."""
    if size > MAX_BYTES:
        raise ImageError(f"The file has {size / 2**20:.0f} MB; images up to {MAX_BYTES // 2**20} MB work.")
