"""Sizes and page counts from headers alone, before any decoder is given the file."""

import struct
from typing import Final

MAX_PAGES: Final = 1000
"""Pages of a TIFF that are counted."""

JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
"""Markers of frame headers, the last of JPEG-LS."""
NO_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xDA)})


def webp_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) of a WebP's canvas (RFC 9649), or None where its first chunk is unknown."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(body[7:10], "little") + 1, int.from_bytes(body[4:7], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return height & 0x3FFF, width & 0x3FFF
    return None


def tiff_pages(data: bytes) -> int:
    """Number of pages in the chain of a TIFF's directories, at most MAX_PAGES; a loop ends the chain."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    count, pointer, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    seen: set[int] = set()
    place = 8 if big else 4
    while len(seen) < MAX_PAGES and place + struct.calcsize(pointer) <= len(data):
        (directory,) = struct.unpack_from(order + pointer, data, place)
        if directory == 0 or directory in seen or directory + struct.calcsize(count) > len(data):
            break
        seen.add(directory)
        place = directory + struct.calcsize(count) + entry * struct.unpack_from(order + count, data, directory)[0]
    return len(seen)


def codestream_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) that a JPEG, JPEG-LS or JPEG 2000 codestream declares, or None where none is found."""
    start = data[:4096].find(b"\xff\x4f\xff\x51")
    if start >= 0 and len(data) >= start + 24:  # JPEG 2000: SIZ follows at once (ISO 15444-1, A.5.1)
        right, bottom, left, top = struct.unpack_from(">IIII", data, start + 8)
        return max(0, bottom - top), max(0, right - left)
    if data[:2] != b"\xff\xd8":
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return height, width
        if marker == 0xFF or marker in NO_LENGTH:
            place += 1 if marker == 0xFF else 2
            continue
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None
