"""Makes the hostile files: drawn images, then cut, changed, mislabelled and inflated in every way that readers fall for."""

import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from benchmarks.hostile_dicom import dicoms, unpacking
from benchmarks.hostile_seeds import SIDE, dicom, drawn, encoded, seeds

Named = tuple[str, bytes]

CUTS: Final = 20
FLIPS: Final = 12


def corpus() -> Iterator[Named]:
    """All fixed files as (name, bytes)."""
    for part in (damaged, headers, bombs, strangers, values, dicoms, unpacking, polyglots):
        yield from part()


def damaged() -> Iterator[Named]:
    """Every seed cut at CUTS places and with FLIPS bits turned over in its first kilobyte."""
    rng = np.random.default_rng(0)
    for kind, data in seeds().items():
        for at in np.unique(np.linspace(1, len(data) - 1, CUTS).astype(int)):
            yield f"{kind} cut at {at}", data[:at]
        for _ in range(FLIPS):
            changed = bytearray(data)
            place = int(rng.integers(0, min(len(data), 1024)))
            changed[place] ^= 1 << int(rng.integers(0, 8))
            yield f"{kind} bit of {place}", bytes(changed)


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int = 8, colour: int = 0, extra: bytes = b"", body: bytes = b"\0" * 99) -> bytes:
    """A PNG of this header, whatever its pixels say."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def tiff(width: int, height: int, *, pages: int = 1, loop: bool = False, strip: int = 4096, order: str = "<") -> bytes:
    """A TIFF of so many directories, each of 8-bit grey."""
    parts, place = [(b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)], 8
    rows = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    rows += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, strip)]
    for page in range(pages):
        size = 2 + 12 * len(rows) + 4
        following = 8 if loop else place + size if page + 1 < pages else 0
        entries = b"".join(struct.pack(order + "HHI" + ("Hxx" if row[1] == 3 else "I"), *row) for row in rows)
        parts.append(struct.pack(order + "H", len(rows)) + entries + struct.pack(order + "I", following))
        place += size
    return b"".join(parts)


def headers() -> Iterator[Named]:
    """Headers that claim sizes no image has, in every format, and lengths no file has."""
    sizes = [(1, 100_000), (100_000, 1), (40_000, 40_000), (2**31 - 1, 2**31 - 1), (0, 0), (65_535, 65_535), (9000, 9000)]
    for width, height in sizes:
        yield f"png {width} x {height}", png(width, height)
        yield f"tiff {width} x {height}", tiff(width, height)
        yield f"tiff of Motorola {width} x {height}", tiff(width, height, order=">")
        bmp = bytearray(seeds()["bmp"])
        bmp[18:26] = struct.pack("<ii", min(width, 2**31 - 1), min(height, 2**31 - 1))
        yield f"bmp {width} x {height}", bytes(bmp)
        small = struct.pack(">HH", min(height, 65535), min(width, 65535))
        jpeg = seeds()["jpeg"]
        at = jpeg.find(b"\xff\xc0") + 5
        yield f"jpeg {width} x {height}", jpeg[:at] + small + jpeg[at + 4 :]
        canvas = struct.pack("<I", (width - 1) & 0xFFFFFF)[:3] + struct.pack("<I", (height - 1) & 0xFFFFFF)[:3]
        webp = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas + seeds()["webp"][12:]
        yield f"webp {width} x {height}", b"RIFF" + struct.pack("<I", len(webp)) + webp
        stream = bytearray(encoded(drawn(), "JPEG2000", no_jp2=True))
        stream[8:16] = struct.pack(">II", width & 0xFFFFFFFF, height & 0xFFFFFFFF)
        for rows in {SIDE, min(height, 65535)}:
            yield f"dicom-j2k {width} x {height} in {rows}", dicom(JPEG2000Lossless, bytes(stream), Rows=rows)
        yield f"dicom-jpeg {width} x {height}", dicom(JPEGBaseline8Bit, jpeg[:at] + small + jpeg[at + 4 :])
        yield f"dicom {width} x {height}", dicom(Rows=min(height, 65535), Columns=min(width, 65535))
    for depth in (0, 1, 2, 3, 4, 16, 32, 255):
        for colour in (0, 2, 3, 4, 6, 7):
            yield f"png depth {depth} colour {colour}", png(SIDE, SIDE, depth, colour)
    yield "tiff of 30,000 pages", tiff(SIDE, SIDE, pages=30_000)
    yield "tiff whose pages loop", tiff(SIDE, SIDE, loop=True)
    yield "tiff with 4 GB strip", tiff(SIDE, SIDE, strip=2**32 - 1)
    yield "tiff without dimensions", b"II*\0\x08\0\0\0\x00\x00\0\0\0\0"


def bombs() -> Iterator[Named]:
    """Small files that unpack to large ones."""
    zeros = zlib.compress(bytes(2**28), 9)
    yield "png zTXt bomb", png(SIDE, SIDE, extra=chunk(b"zTXt", b"a\0\0" + zeros))
    yield "png iTXt bomb", png(SIDE, SIDE, extra=chunk(b"iTXt", b"a\0\1\0\0\0" + zeros))
    yield "png ICC bomb", png(SIDE, SIDE, extra=chunk(b"iCCP", b"a\0\0" + zeros))
    yield "png IDAT bomb", png(SIDE, SIDE, body=bytes(2**28))
    yield "png of many texts", png(SIDE, SIDE, extra=chunk(b"tEXt", b"a\0" + b"b" * 1000) * 20_000)
    yield "png of 25 megapixels in 16-bit RGBA", png(5000, 5000, 16, 6, body=bytes(5000 * (1 + 5000 * 8)))
    yield "png of 81 megapixels", png(9000, 9000, body=bytes(9000 * 9001))
    yield "jpeg of 24 megapixels", encoded(Image.new("RGB", (4900, 4900), (9, 9, 9)), "JPEG")
    yield "webp of 24 megapixels", encoded(Image.new("RGB", (4900, 4900), (9, 9, 9)), "WEBP", method=0)
    yield "tiff of 24 megapixels in CMYK", encoded(Image.new("CMYK", (4900, 4900)), "TIFF", compression="tiff_deflate")


def strangers() -> Iterator[Named]:
    """Files of other kinds, and kinds of images that are none of a chest."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("image.png", seeds()["png"])
    colour = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    pages = [Image.fromarray(drawn()), Image.fromarray(255 - drawn())]
    yield from {
        "zip": stream.getvalue(),
        "pdf": b"%PDF-1.7\n1 0 obj\n",
        "html": b"<!DOCTYPE html><script>alert(1)</script>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "xml of entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
        "gif": encoded(drawn(), "GIF"),
        "gif, animated": encoded(pages[0], "GIF", save_all=True, append_images=pages[1:]),
        "png, animated": encoded(pages[0], "PNG", save_all=True, append_images=pages[1:]),
        "webp, animated": encoded(pages[0], "WEBP", save_all=True, append_images=pages[1:]),
        "tiff of two pages": encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]),
        "colour": encoded(colour, "PNG"),
        "cmyk": encoded(Image.fromarray(colour).convert("CMYK"), "JPEG"),
        "lab": encoded(Image.fromarray(colour).convert("LAB"), "TIFF"),
        "empty": b"",
        "one byte": b"\0",
        "zeros": bytes(10_000),
        "text": b"hello " * 1000,
        "heic": b"\0\0\0\x18ftypheic" + bytes(99),
        "python": b"import os; os.abort()",
        "pickle": b"\x80\x04cos\nabort\n(tR.",
        "elf": b"\x7fELF" + bytes(200),
    }.items()


def values() -> Iterator[Named]:
    """Pixel values that are no numbers or leave nothing to see."""
    for name, value in (("NaN", np.nan), ("inf", np.inf), ("-inf", -np.inf), ("largest", 3e38), ("smallest", 1e-45)):
        pixels = drawn().astype(np.float32)
        pixels[5, 5] = value
        yield f"tiff with {name}", encoded(pixels, "TIFF")
        yield f"tiff of {name}", encoded(np.full((SIDE, SIDE), value, np.float32), "TIFF")
    yield "flat", encoded(np.zeros((SIDE, SIDE), np.uint8), "PNG")
    yield "flat but for noise", encoded(np.where(drawn() > 254, 1, 0).astype(np.uint8), "PNG")
    info = PngInfo()
    info.add_text("name", "Doe^Jane")
    yield "png with a name", encoded(drawn(), "PNG", pnginfo=info)


def polyglots() -> Iterator[Named]:
    """Files that are two things at once, or begin as what they are not."""
    for first, head in seeds().items():
        for second in ("png", "dicom", "jpeg"):
            if first != second:
                yield f"{first} before {second}", head[:64] + seeds()[second][64:]
                yield f"{first} with {second} behind", head + seeds()[second]


def mutations(number: int, seed: int) -> Iterator[Named]:
    """`number` copies of the seeds with a few bytes changed, cut out, doubled, or lengths set to extremes."""
    rng, kinds = np.random.default_rng(seed), list(seeds())
    for turn in range(number):
        kind = kinds[turn % len(kinds)]
        data = bytearray(seeds()[kind])
        for _ in range(int(rng.integers(1, 5))):
            place, size = int(rng.integers(0, len(data))), int(rng.integers(1, 9))
            match rng.integers(0, 4):
                case 0:
                    data[place : place + size] = rng.bytes(size)
                case 1:
                    del data[place : place + size]
                case 2:
                    data[place:place] = data[place : place + size]
                case _:
                    data[place : place + 4] = (b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff")[int(rng.integers(0, 3))]
        yield f"{kind}, mutation {turn} of seed {seed}", bytes(data)


def special_paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """Paths that are no regular files."""
    yield "folder", folder
    yield "absent", folder / "absent"
    yield "NUL in the path", folder / "a\0b"
    yield "endless name", folder / ("x" * 5000)
    yield "zeros without end", Path("/dev/zero")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
        yield "pipe", folder / "pipe"
    if hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(folder / "socket"))
            yield "socket", folder / "socket"
