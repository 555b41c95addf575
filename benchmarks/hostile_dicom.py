"""Makes the hostile DICOM files: attributes that are absent, odd, wrong or endless, and data that unpacks to a lot."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from benchmarks.hostile_seeds import dicom, seeds

Named = tuple[str, bytes]


def dicoms() -> Iterator[Named]:
    """DICOM files whose attributes are absent, odd, wrong or endless."""
    odd = ("nan", "inf", "-1", "0", "1e400", "x" * 500, "\\", "1\\2\\3", "")
    for name in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "PixelSpacing", "NumberOfFrames"):
        for turn, value in enumerate(odd):
            with suppress(ValueError, TypeError, OverflowError):  # what pydicom cannot even write
                yield f"dicom {name} {turn}", dicom(**{"WindowCenter": "9", "WindowWidth": "9", name: value})
    for name, numbers in {
        "BitsAllocated": (0, 1, 7, 12, 16, 32, 64, 65535),
        "BitsStored": (0, 1, 9, 16, 65535),
        "HighBit": (0, 8, 15, 65535),
        "PixelRepresentation": (1, 2, 65535),
        "SamplesPerPixel": (0, 2, 3, 4, 65535),
        "Rows": (0, 1, 95, 97, 192),
    }.items():
        for number in numbers:
            yield f"dicom {name} {number}", dicom(**{name: number})
    for bits, entries, data in ((0, 256, 512), (8, 0, 2), (16, 256, 0), (255, 256, 512), (16, 65535, 512), (8, 256, 256)):
        table = Dataset()
        table.add_new("LUTDescriptor", "US", [entries, 0, bits])
        table.add_new("LUTData", "OW", bytes(range(256)) * (data // 256) + b"\0" * (data % 256))
        for name in ("VOILUTSequence", "ModalityLUTSequence"):
            yield f"dicom {name} {bits} bits {entries} entries {data} bytes", dicom(**{name: Sequence([table])})
    for photometric in ("PALETTE COLOR", "RGB", "YBR_FULL", "YBR_ICT", "", "X" * 99):
        yield f"dicom {photometric[:9]}", dicom(PhotometricInterpretation=photometric)
    compressed = (JPEGLossless, JPEGLSLossless, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless)
    for syntax in (*compressed, UID("1.2.840.10008.1.2.4.201")):
        for name in ("jpeg", "png", "dicom", "webp"):
            yield f"dicom {syntax} holding {name}", dicom(syntax, seeds()[name])
    yield "dicom encrypted", b"\x30\x80" + bytes.fromhex("06092a864886f70d010703") + bytes(99)
    yield "dicom of a PDF", dicom().replace(b"\xe0\x7f\x10\x00", b"\x42\x00\x11\x00")
    plain = dicom()
    at = plain.find(b"\xe0\x7f\x10\x00OB")
    for length in (0, 1, 2**31, 2**32 - 2, 2**32 - 1):
        yield f"dicom PixelData of {length} bytes", plain[: at + 8] + struct.pack("<I", length) + plain[at + 12 :]
    item, end = struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 1), plain[at:]
    for depth in (10, 1000, 20_000):
        nest = struct.pack("<HH2sHI", 0x28, 0x3010, b"SQ", 0, 2**32 - 1) + item
        yield f"dicom nested {depth} deep", plain[:at] + nest * depth + end


def unpacking() -> Iterator[Named]:
    """Small files that unpack to large data."""
    for size in (2**26, 2**28, 2**30):
        item = dicom(DeflatedExplicitVRLittleEndian)
        start = 144 + int.from_bytes(item[140:144], "little")
        packer = zlib.compressobj(9, wbits=-15)
        body = packer.compress(struct.pack("<HH2sHI", 9, 0x1010, b"OB", 0, size))
        body += b"".join(packer.compress(bytes(2**22)) for _ in range(size >> 22)) + packer.flush()
        yield f"dicom deflated bomb of {size >> 20} MB", item[:start] + body
    runs = b"\x81\0" * 2**20
    yield "dicom RLE bomb", dicom(RLELossless, struct.pack("<16L", 1, 64, *[0] * 14) + runs)
    yield (
        "dicom of 25 megapixels in RLE",
        dicom(RLELossless, struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\0" * 195_313, Rows=5000, Columns=5000),
    )
