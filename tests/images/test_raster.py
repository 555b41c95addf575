import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from drawing import HEIGHT, WIDTH, encoded, png, ramp
from PIL import Image

from covid_model.errors import ImageError
from covid_model.images.read import load_image, read_image

GREY = ramp().astype(np.uint8)
UNIT = (GREY / 255).astype(np.float32)


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("BMP", 0), ("TIFF", 0), ("WEBP", 0.03), ("JPEG", 0.03)])
def test_every_format_gives_the_same_image(kind: str, tolerance: float) -> None:
    image = read_image(encoded(GREY, kind))
    assert image.source_kind == kind.lower()
    assert image.pixels.dtype == np.float32
    assert not image.pixels.flags.writeable
    np.testing.assert_allclose(image.pixels[20:], UNIT[20:], atol=tolerance + 1e-6)


@pytest.mark.parametrize(
    "array",
    [
        np.stack([GREY] * 3, -1),
        np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)]),
        np.dstack([GREY, np.full_like(GREY, 255)]),
    ],
)
def test_grey_in_colour_channels_is_the_grey_image(array: np.ndarray) -> None:
    image = read_image(png(array))
    np.testing.assert_allclose(image.pixels, UNIT, atol=0.003)
    assert image.notes == ()


def test_transparent_parts_are_black() -> None:
    alpha = np.full_like(GREY, 255)
    alpha[40:] = 0
    image = read_image(png(np.dstack([GREY, GREY, GREY, alpha])))
    assert image.pixels[40:].max() == 0
    assert image.pixels[:40].max() == 1


def test_palette_one_bit_and_cmyk() -> None:
    stream = BytesIO()
    Image.fromarray(GREY).convert("P").save(stream, "PNG")
    np.testing.assert_allclose(read_image(stream.getvalue()).pixels, UNIT, atol=0.01)
    stream = BytesIO()
    Image.fromarray(GREY > 127).save(stream, "TIFF")
    assert set(np.unique(read_image(stream.getvalue()).pixels)) == {0.0, 1.0}
    stream = BytesIO()
    Image.fromarray(np.stack([GREY] * 3, -1)).convert("CMYK").save(stream, "JPEG", quality=95)
    np.testing.assert_allclose(read_image(stream.getvalue()).pixels[20:], UNIT[20:], atol=0.05)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_depth(kind: str) -> None:
    deep = (ramp(4096) + 1000).astype(np.uint16)
    image = read_image(encoded(deep, kind))
    np.testing.assert_allclose(image.pixels, ramp(4096) / 4095, atol=1e-6)
    assert len(np.unique(image.pixels)) == len(np.unique(deep)) == WIDTH
    assert "More than 8 bits" in image.notes[0]


def test_float_tiffs_are_stretched_from_any_range() -> None:
    image = read_image(encoded((ramp() * 7.5 - 300).astype(np.float32), "TIFF"))
    np.testing.assert_allclose(image.pixels, UNIT, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_min_is_white_tiffs_are_inverted(dtype: type) -> None:
    levels = np.iinfo(dtype).max
    stored = ramp(levels + 1) if dtype is np.uint8 else levels - ramp(levels + 1)  # Pillow inverts 8 bits when saving
    image = read_image(encoded(stored.astype(dtype), "TIFF", tiffinfo={262: 0}))
    np.testing.assert_allclose(image.pixels, ramp(levels + 1) / levels, atol=1e-6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("orientation", "corner"), [(1, (4, 4)), (3, (-5, -5)), (6, (4, -5)), (8, (-5, 4))])
def test_exif_orientation_is_honoured(kind: str, orientation: int, corner: tuple[int, int]) -> None:
    """The bright corner, top left in the file, must land where a viewer would show it."""
    dark = (GREY // 4).astype(np.uint8)
    dark[:16, :16] = 255
    picture = Image.fromarray(dark)
    exif = picture.getexif()
    exif[0x0112] = orientation
    stream = BytesIO()
    picture.save(stream, kind, exif=exif)
    image = read_image(stream.getvalue())
    assert image.shape == ((HEIGHT, WIDTH) if orientation in (1, 3) else (WIDTH, HEIGHT))
    assert image.pixels[corner] > 0.9


def coloured(share: float, hues: int) -> bytes:
    """Grey noise of which `share` of the columns is coloured in that many hues."""
    rng = np.random.default_rng(0)
    picture = np.repeat(rng.integers(60, 200, (100, 100, 1), np.uint8), 3, axis=-1)
    columns = round(share * 100)
    tints = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]], np.uint8)[:hues]
    picture[:, :columns] = tints[np.arange(columns) % hues][None]
    return png(picture)


def test_a_small_coloured_marker_is_accepted_with_a_note() -> None:
    assert "3.0% of the image is coloured" in read_image(coloured(0.03, 3)).notes[0]


def test_an_image_in_one_tint_is_accepted_with_a_note() -> None:
    grey = ramp().astype(np.float32)[..., None]
    bluish = (grey * np.array([0.6, 0.8, 1.0])).astype(np.uint8)
    assert "tinted" in read_image(png(bluish)).notes[0]


def test_a_colour_photograph_is_refused() -> None:
    with pytest.raises(ImageError, match=r"colour photograph \(60% of it"):
        read_image(coloured(0.6, 3))


def huge_png() -> bytes:
    """A valid PNG header that claims 40,000 x 40,000 pixels, with next to no data behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 40000, 40000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def frames(kind: str) -> bytes:
    stream = BytesIO()
    pictures = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    pictures[0].save(stream, kind, save_all=True, append_images=pictures[1:])
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "file is empty"),
        (b"hello, I am a text", "a text file"),
        (b"%PDF-1.7 and so on", "a PDF document"),
        (b"PK\x03\x04" + b"\0" * 30, "a ZIP archive"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 30, "HEIC"),
        (b"\0\1\2\3" * 50, "of a kind that this program does not read"),
        (encoded(GREY, "GIF"), "GIF"),
        (png(GREY[:63, :]), "96 x 63 pixels; it needs at least 64"),
        (png(np.tile(GREY, (1, 4))), "a strip"),
        (huge_png(), "40000 x 40000 pixels; images up to 25 million"),
        (frames("PNG"), "PNG holds 2 images"),
        (frames("WEBP"), "WEBP holds 2 images"),
        (frames("TIFF"), "TIFF holds 2 images"),
        (png(np.full((80, 80), 77, np.uint8)), "same value"),
        (encoded(np.full((80, 80), 7, np.uint16), "PNG"), "same value"),
        (encoded(np.where(GREY > 100, np.nan, GREY).astype(np.float32), "TIFF"), "NaN"),
    ],
)
def test_every_bad_input_has_its_own_sentence(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        read_image(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200), np.uint8)
    whole = encoded(noise, kind)
    with pytest.raises(ImageError, match=r"cut short|text file|not an image"):
        read_image(whole[: int(len(whole) * share)])


def test_paths_that_are_no_files(tmp_path) -> None:
    with pytest.raises(ImageError, match="no file"):
        load_image(tmp_path / "absent.png")
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)


def test_the_extension_does_not_matter_and_the_digest_is_of_the_bytes(tmp_path) -> None:
    import hashlib

    path = tmp_path / "image.dcm"
    path.write_bytes(png())
    image = load_image(path)
    assert image.source_kind == "png"
    assert image.digest == hashlib.sha256(png()).hexdigest()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_damaged_files_give_an_image_or_a_sentence(kind: str) -> None:
    rng = np.random.default_rng(0)
    whole = encoded(np.asarray(cv2.resize(GREY, (128, 128))), kind)
    for _ in range(80):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 4):
            damaged[place] = rng.integers(0, 256)
        try:
            image = read_image(bytes(damaged))
        except ImageError:
            continue
        assert np.isfinite(image.pixels).all()
