"""Each rule about a DICOM file's grey values and geometry, with the pixels it must give."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pydicom
import pytest
from drawing import HEIGHT, WIDTH, dataset, ramp, saved
from pydicom.config import disable_value_validation
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag

from covid_model.errors import ImageError
from covid_model.images.decode import decode

STORED = ramp(4096)
UNIT = (STORED / 4095).astype(np.float32)
OWN = "Stretched from smallest to largest value."


def raw(item: Dataset, **values: tuple[str, bytes]) -> Dataset:
    """The data set with attributes set to bytes as they are in a faulty file."""
    for name, (vr, value) in values.items():
        tag = Tag(name)
        item[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    return item


def lut(descriptor: Sequence[int], data: bytes | None) -> Items:
    """A sequence of one lookup table."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", list(descriptor))
    if data is not None:
        item.add_new("LUTData", "OW", data)
    return Items([item])


def words(values: Any) -> bytes:
    return np.asarray(values, "<u2").tobytes()


def stored(values: np.ndarray, **attributes: Any) -> Dataset:
    """Values of up to 16 bits as they are, whatever the header says."""
    return dataset(values.astype(np.int64), bits=12, PixelData=words(values), **attributes)


def coloured(channels: np.ndarray, photometric: str, planar: int = 0) -> Dataset:
    item = dataset(ramp(), bits=8, BitsAllocated=8, SamplesPerPixel=3, PhotometricInterpretation=photometric)
    item.PlanarConfiguration = planar
    item.PixelData = (np.moveaxis(channels, -1, 0) if planar else channels).astype(np.uint8).tobytes()
    return item


def palette(colours: np.ndarray) -> Dataset:
    """8-bit indices into (256, 3) colours of 16 bits."""
    item = dataset(ramp(), bits=8, PhotometricInterpretation="PALETTE COLOR")
    for number, name in enumerate(("Red", "Green", "Blue")):
        setattr(item, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        item.add_new(f"{name}PaletteColorLookupTableData", "OW", words(colours[:, number]))
    return item


def window(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


GREY8 = np.stack([ramp()] * 3, -1)
YBR = np.stack([ramp(), np.full_like(ramp(), 128), np.full_like(ramp(), 128)], -1)
PADDED = np.where(np.arange(WIDTH) < 20, 65000 + np.arange(WIDTH), STORED)
BLACK_LEFT = np.where(np.arange(WIDTH) < 20, 0, (STORED - STORED[20:, 20].min()) / (4095 - STORED[20:, 20].min()))
BLACK_LEFT[:16, 20:] = BLACK_LEFT[:16, 20:].clip(0, 1)

RULES: list[tuple[str, Callable[[], Dataset], np.ndarray, str]] = [
    ("left-aligned bits, as the header says", lambda: stored(STORED << 4, HighBit=15), UNIT, OWN),
    ("left-aligned bits, in spite of the header", lambda: stored(STORED << 4), UNIT, OWN),
    ("right-aligned bits, in spite of the header", lambda: stored(STORED, HighBit=15), UNIT, OWN),
    ("stored bits of 0", lambda: dataset(STORED * 16, bits=16, BitsStored=0), UNIT, OWN),
    ("padding range", lambda: dataset(PADDED, 16, PixelPaddingValue=65000, PixelPaddingRangeLimit=65500), BLACK_LEFT, OWN),
    ("rescale of nan", lambda: raw(dataset(), RescaleSlope=("DS", b"nan ")), UNIT, "rescale slope"),
    ("intercept of infinity", lambda: raw(dataset(), RescaleIntercept=("DS", b"-inf")), UNIT, "rescale intercept"),
    ("slope of 0", lambda: dataset(RescaleSlope=0), UNIT, "rescale slope"),
    ("empty rescale", lambda: raw(dataset(), RescaleSlope=("DS", b"")), UNIT, OWN),
    ("window of nan", lambda: raw(dataset(WindowCenter=9), WindowWidth=("DS", b"nan ")), UNIT, "window"),
    (
        "window with decimal commas",
        lambda: raw(dataset(), WindowCenter=("DS", b"2048,5"), WindowWidth=("DS", b"1001,0")),
        window(STORED, 2048.5, 1001),
        "window of the DICOM file.",
    ),
    (
        "first window empty",
        lambda: raw(dataset(), WindowCenter=("DS", b"\\2000 "), WindowWidth=("DS", b"\\1001 ")),
        window(STORED, 2000, 1001),
        "window of the DICOM file.",
    ),
    ("window in words", lambda: raw(dataset(WindowWidth=9), WindowCenter=("DS", b"lung")), UNIT, "window"),
    ("window far outside", lambda: dataset(WindowCenter=30000, WindowWidth=100), UNIT, "leaves no contrast"),
    ("window far too wide", lambda: dataset(WindowCenter=2048, WindowWidth=10**6), UNIT, "leaves no contrast"),
    ("window of normalised values", lambda: dataset(WindowCenter=0.5, WindowWidth=1), UNIT, "leaves no contrast"),
    ("VOI table declared wider", lambda: dataset(VOILUTSequence=lut([4096, 0, 16], words(range(4096)))), UNIT, "lookup"),
    ("VOI table declared narrower", lambda: dataset(VOILUTSequence=lut([4096, 0, 8], words(range(4096)))), UNIT, "lookup"),
    ("VOI table of 0 bits", lambda: dataset(VOILUTSequence=lut([4096, 0, 0], words(range(4096)))), UNIT, "lookup"),
    (
        "VOI table of 8 bits in bytes",
        lambda: dataset(VOILUTSequence=lut([4096, 0, 8], (np.arange(4096) // 16).astype(np.uint8).tobytes())),
        (STORED // 16) / 255,
        "lookup",
    ),
    (
        "VOI table of 8 bits in words",
        lambda: dataset(VOILUTSequence=lut([4096, 0, 8], words(np.arange(4096) // 16))),
        (STORED // 16) / 255,
        "lookup",
    ),
    (
        "VOI table of 10 bits",
        lambda: dataset(VOILUTSequence=lut([4096, 0, 10], words(np.arange(4096) // 4))),
        (STORED // 4) / 1023,
        "lookup",
    ),
    (
        "VOI table that starts at 1000",
        lambda: dataset(VOILUTSequence=lut([1001, 1000, 16], words(np.arange(1001) * 65))),
        np.clip(STORED - 1000, 0, 1000) * 65 / 65535,
        "lookup",
    ),
    ("VOI table cut short", lambda: dataset(VOILUTSequence=lut([4096, 0, 12], words(range(900)))), UNIT, "VOI lookup table"),
    ("VOI table without data", lambda: dataset(VOILUTSequence=lut([4096, 0, 12], None)), UNIT, "VOI lookup table"),
    ("VOI table of zeros", lambda: dataset(VOILUTSequence=lut([4096, 0, 12], bytes(8192))), UNIT, "VOI lookup table"),
    ("empty VOI item", lambda: dataset(VOILUTSequence=Items([Dataset()])), UNIT, "VOI lookup table"),
    (
        "modality table that inverts",
        lambda: dataset(ModalityLUTSequence=lut([4096, 0, 16], words((4095 - np.arange(4096)) * 16))),
        1 - UNIT,
        OWN,
    ),
    ("modality table cut short", lambda: dataset(ModalityLUTSequence=lut([4096, 0, 16], b"\1\1")), UNIT, "modality lookup"),
    ("lower-case photometric", lambda: dataset(PhotometricInterpretation="monochrome1"), 1 - UNIT, OWN),
    ("unknown photometric", lambda: dataset(PhotometricInterpretation="MONOCHROME"), UNIT, "photometric"),
    ("photometric with a space", lambda: dataset(PhotometricInterpretation="MONOCHROME 1"), 1 - UNIT, OWN),
    ("photometric with a line", lambda: dataset(PhotometricInterpretation="MONOCHROME_1"), 1 - UNIT, OWN),
    ("no channels", lambda: dataset(SamplesPerPixel=0), UNIT, OWN),
    ("rows as two numbers", lambda: raw(dataset(), Rows=("US", words([HEIGHT, 0]))), UNIT, OWN),
    ("window that is a threshold", lambda: dataset(WindowCenter=2048, WindowWidth=1), UNIT, "leaves no contrast"),
    ("grey in RGB", lambda: coloured(GREY8, "RGB"), ramp() / 255, ""),
    ("grey in planes", lambda: coloured(GREY8, "RGB", planar=1), ramp() / 255, ""),
    ("grey in YBR_FULL", lambda: coloured(YBR, "YBR_FULL"), ramp() / 255, ""),
    ("grey palette", lambda: palette(np.stack([np.arange(256) * 257] * 3, -1)), ramp() / 255, ""),
    ("frames as 1A", lambda: raw(dataset(), NumberOfFrames=("IS", b"1A")), UNIT, "number of frames"),
    ("spacing with commas", lambda: raw(dataset(), PixelSpacing=("DS", b"0,2\\0,2 ")), UNIT, OWN),
    ("one spacing", lambda: raw(dataset(), PixelSpacing=("DS", b"0.2 ")), UNIT, "pixel spacing"),
    ("spacing of 0", lambda: dataset(PixelSpacing=[0, 0]), UNIT, "pixel spacing"),
    ("upright", lambda: dataset(PatientOrientation=["L", "F"]), UNIT, OWN),
    ("mirrored", lambda: dataset(PatientOrientation=["R", "F"]), UNIT[:, ::-1], "Mirrored"),
    ("upside down", lambda: dataset(PatientOrientation=["L", "H"]), UNIT[::-1], "upside down"),
    ("lying", lambda: dataset(PatientOrientation=["F", "L"]), UNIT.T, "Turned upright"),
    ("lying and mirrored", lambda: dataset(PatientOrientation=["F", "R"]), UNIT.T[:, ::-1], "Mirrored"),
    ("flipped field of view", lambda: dataset(FieldOfViewHorizontalFlip="YES"), UNIT, "was flipped"),
]


@pytest.mark.parametrize(("item", "expected", "note"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_every_rule_gives_its_pixels(item: Callable[[], Dataset], expected: np.ndarray, note: str) -> None:
    with disable_value_validation():
        image = decode(saved(item()))
    np.testing.assert_allclose(image.pixels, np.clip(expected, 0, 1), atol=0.003)
    assert note in " ".join(image.notes)


@pytest.mark.parametrize(
    ("attributes", "shape", "spacing"),
    [
        ({"PixelSpacing": [0.2, 0.1]}, (2 * HEIGHT, WIDTH), (0.1, 0.1)),
        ({"ImagerPixelSpacing": [0.1, 0.15]}, (HEIGHT, 144), (0.1, 0.1)),
        ({"PixelAspectRatio": [2, 1]}, (2 * HEIGHT, WIDTH), None),
        ({"PixelAspectRatio": [1, 1]}, (HEIGHT, WIDTH), None),
    ],
)
def test_pixels_become_squares(attributes: dict[str, Any], shape: tuple[int, int], spacing: Any) -> None:
    image = decode(saved(dataset(**attributes)))
    assert (image.shape, image.spacing_mm) == (shape, spacing)
    column = image.pixels[-1]
    np.testing.assert_allclose(
        np.interp(np.linspace(0, 1, 9), np.linspace(0, 1, shape[1]), column), np.linspace(0, 1, 9), atol=0.02
    )


@pytest.mark.parametrize(
    ("text", "view"),
    [("AP SUPINE", "AP"), ("W033 Chest PA", "PA"), ("LL", "LATERAL"), ("LLO", None), ("", None)],
)
def test_a_view_is_found_among_other_words(text: str, view: str | None) -> None:
    with disable_value_validation():
        assert decode(saved(dataset(ViewPosition=text))).view == view


@pytest.mark.parametrize(
    ("stated", "note"), [("HAND", ("shows a hand, not a chest",)), ("CHEST", ()), ("", ()), ("Doe^Jane", ())]
)
def test_another_part_of_the_body_is_noted(stated: str, note: tuple[str, ...]) -> None:
    notes = [one for one in decode(saved(dataset(BodyPartExamined=stated))).notes if "shows" in one]
    assert len(notes) == len(note)
    assert all(words in one for words, one in zip(note, notes, strict=True))
    assert not any("Jane" in one for one in notes), "a tag may hold a name"


def test_a_file_that_begins_with_the_mark_is_read() -> None:
    np.testing.assert_allclose(decode(saved(dataset())[128:]).pixels, UNIT, atol=1e-6)


def test_pixels_as_fractions_are_named() -> None:
    item = dataset()
    del item.PixelData
    item.FloatPixelData = UNIT.astype("<f4").tobytes()
    with pytest.raises(ImageError, match="pixels as fractions"):
        decode(saved(item))


@pytest.mark.parametrize("magic", [b"II*\0\0\0\0\0", b"MM\0*\0\0\0\x08", b"\x89PNG\r\n\x1a\n", b"BM", b"\xff\xd8\xff\xe0"])
def test_the_mark_at_128_decides_before_the_preamble(magic: bytes) -> None:
    data = magic + saved(dataset(ViewPosition="LL"))[len(magic) :]
    image = decode(data)
    assert (image.source_kind, image.view) == ("dicom", "LATERAL")
    np.testing.assert_allclose(image.pixels, UNIT, atol=1e-6)


def test_a_coloured_palette_is_a_colour_photograph() -> None:
    colours = np.random.default_rng(0).integers(0, 65536, (256, 3))
    with pytest.raises(ImageError, match="colour photograph"):
        decode(saved(palette(colours)))


def test_a_deflated_bomb_is_refused_before_it_is_inflated() -> None:
    item = dataset()
    item.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    item.add_new(0x00091010, "OB", bytes(120 * 2**20))
    data = saved(item)
    assert len(data) < 2**20
    with pytest.raises(ImageError, match="unpacks to more than 100 MB"):
        decode(data)


def test_pydicom_keeps_its_settings() -> None:
    before = pydicom.config.settings.reading_validation_mode
    decode(saved(dataset()))
    assert pydicom.config.settings.reading_validation_mode == before == pydicom.config.WARN
