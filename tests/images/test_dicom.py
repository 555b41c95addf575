from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from drawing import HEIGHT, WIDTH, dataset, encoded, ramp, saved
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from covid_model.errors import ImageError
from covid_model.images.read import read_image

UNIT = (ramp(4096) / 4095).astype(np.float32)


def pixels(item: Dataset) -> np.ndarray:
    return read_image(saved(item)).pixels


def test_twelve_stored_bits_fill_the_range() -> None:
    image = read_image(saved(dataset(ViewPosition="PA", ImagerPixelSpacing=[0.15, 0.15])))
    np.testing.assert_allclose(image.pixels, UNIT, atol=1e-6)
    assert (image.source_kind, image.view, image.spacing_mm) == ("dicom", "PA", (0.15, 0.15))


def test_monochrome1_is_inverted() -> None:
    np.testing.assert_allclose(pixels(dataset(PhotometricInterpretation="MONOCHROME1")), 1 - UNIT, atol=1e-6)


def test_bits_above_the_stored_ones_are_ignored() -> None:
    overlaid = dataset()
    overlaid.PixelData = (ramp(4096) | 0x8000).astype(np.uint16).tobytes()
    np.testing.assert_allclose(pixels(overlaid), UNIT, atol=1e-6)


def test_signed_pixels() -> None:
    np.testing.assert_allclose(pixels(dataset(ramp(4096) - 2048)), UNIT, atol=1e-6)


def test_a_window_is_applied_after_slope_and_intercept() -> None:
    """Value 2 v - 100 in the window centre 1000, width 401: (2 v - 100 - 999.5) / 400 + 0.5 (PS3.3 C.11.2.1.2)."""
    item = dataset(RescaleSlope=2, RescaleIntercept=-100, WindowCenter=1000, WindowWidth=401)
    expected = np.clip((2.0 * ramp(4096) - 100 - 999.5) / 400 + 0.5, 0, 1)
    np.testing.assert_allclose(pixels(item), expected, atol=1e-5)


def test_the_first_of_several_windows_counts() -> None:
    item = dataset(WindowCenter=[2000, 5], WindowWidth=[1001, 2])
    np.testing.assert_allclose(pixels(item), np.clip((ramp(4096) - 1999.5) / 1000 + 0.5, 0, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("LINEAR_EXACT", lambda v: np.clip((v - 2000) / 1000 + 0.5, 0, 1)),
        ("SIGMOID", lambda v: 1 / (1 + np.exp(-4 * (v - 2000) / 1000))),
    ],
)
def test_other_window_shapes(shape: str, expected: Any) -> None:
    item = dataset(WindowCenter=2000, WindowWidth=1000, VOILUTFunction=shape)
    np.testing.assert_allclose(pixels(item), expected(ramp(4096).astype(float)), atol=1e-5)


def test_a_lookup_table_goes_before_a_window() -> None:
    table = Dataset()
    table.LUTDescriptor = [256, 0, 8]
    table.LUTData = bytes(255 - i for i in range(256))
    table["LUTData"].VR = "OW"
    item = dataset(ramp(256), bits=8, VOILUTSequence=Sequence([table]), WindowCenter=1, WindowWidth=2)
    np.testing.assert_allclose(pixels(item), 1 - ramp(256) / 255, atol=1e-6)


def test_padding_is_black_and_does_not_stretch_the_range() -> None:
    values = ramp(256) + 1000
    values[-8:] = 4000
    image = pixels(dataset(values, PixelPaddingValue=4000))
    assert image[-8:].max() == 0
    np.testing.assert_allclose(image[:-8], ramp(256)[:-8] / 255, atol=1e-6)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_syntaxes(syntax: UID) -> None:
    item = dataset()
    if syntax == ExplicitVRBigEndian:
        item["PixelData"].VR = "OW"
        item.PixelData = ramp(4096).astype(">u2").tobytes()
    item.file_meta.TransferSyntaxUID = syntax
    np.testing.assert_allclose(pixels(item), UNIT, atol=1e-6)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_compression(syntax: UID) -> None:
    item = dataset()
    item.compress(syntax)
    np.testing.assert_allclose(pixels(item), UNIT, atol=1e-6)


def test_baseline_jpeg() -> None:
    grey = ramp().astype(np.uint8)
    item = dataset(ramp(), bits=8, BitsAllocated=8)
    item.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    item.PixelData = encapsulate([encoded(grey, "JPEG", quality=95)])
    item["PixelData"].is_undefined_length = True
    np.testing.assert_allclose(pixels(item)[20:], grey[20:] / 255, atol=0.03)


def test_a_file_without_preamble_is_recognised_by_its_content() -> None:
    item = dataset()
    stream = BytesIO()
    item.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    plain = Dataset({element.tag: element for element in item})
    plain.save_as(stream, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert stream.getvalue()[:2] == b"\x08\x00"
    np.testing.assert_allclose(read_image(stream.getvalue()).pixels, UNIT, atol=1e-6)


def colour() -> Dataset:
    item = dataset(ramp(), bits=8, BitsAllocated=8, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    item.PlanarConfiguration = 0
    item.PixelData = np.random.default_rng(0).integers(0, 256, (*ramp().shape, 3), np.uint8).tobytes()
    return item


def without_pixels(**attributes: Any) -> Dataset:
    item = dataset(**attributes)
    del item.PixelData
    return item


def frames() -> Dataset:
    item = dataset(NumberOfFrames=2)
    item.PixelData = item.PixelData * 2
    return item


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (frames(), "2 frames"),
        (without_pixels(), "no image"),
        (without_pixels(EncryptedAttributesSequence=Sequence([Dataset()])), "encrypted"),
        (dataset(Modality="CT"), "a CT image; give a chest radiograph"),
        (dataset(Modality="MG"), "a mammography"),
        (dataset(Modality="US"), "an ultrasound image"),
        (dataset(Modality="ZZ"), "holds another kind of image"),
        (colour(), "colour photograph"),
        (dataset(np.full((80, 80), 5)), "same value"),
        (dataset(Rows=40000, Columns=40000), "40000 x 40000"),
        (dataset(ramp(4096)[:32]), "at least 64"),
        (dataset(PixelData=dataset().PixelData[:1000]), "cut short"),
    ],
)
def test_every_bad_dicom_has_its_own_sentence(item: Dataset, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        read_image(saved(item))


def test_an_encrypted_envelope_is_named() -> None:
    envelope = b"\x30\x80" + bytes.fromhex("06092a864886f70d010703") + b"\xa0\x80" + b"\x00" * 50
    with pytest.raises(ImageError, match="encrypted"):
        read_image(envelope)


def test_a_truncated_file_is_one_sentence() -> None:
    whole = saved(dataset())
    for share in (0.02, 0.1, 0.5, 0.95):
        with pytest.raises(ImageError):
            read_image(whole[: int(len(whole) * share)])


def test_nothing_about_a_person_leaves_the_reader(capfd: pytest.CaptureFixture[str]) -> None:
    secrets = {"PatientName": "Doe^Jane", "PatientID": "ID-4711", "InstitutionName": "Mercy", "PatientBirthDate": "19700101"}
    image = read_image(saved(dataset(**secrets)))
    shown = repr(image) + "".join(image.notes)
    broken = [dataset(**secrets, Modality="Doe^Jane"), dataset(**secrets, PixelData=b"\0\0"), frames()]
    for item in broken:
        with pytest.raises(ImageError) as caught:
            read_image(saved(item))
        shown += str(caught.value)
    shown += "".join(capfd.readouterr())
    for secret in (*secrets.values(), "Doe", "Jane"):
        assert secret not in shown


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_damaged_files_give_an_image_or_a_sentence() -> None:
    rng = np.random.default_rng(0)
    plain = saved(dataset())
    squeezed = dataset()
    squeezed.compress(RLELossless)
    for whole in (plain, saved(squeezed)):
        for _ in range(100):
            damaged = bytearray(whole)
            for place in rng.integers(130, min(len(damaged), 900), 3):
                damaged[place] = rng.integers(0, 256)
            try:
                image = read_image(bytes(damaged))
            except ImageError:
                continue
            assert np.isfinite(image.pixels).all()
            assert image.pixels.min() >= 0


def test_reading_leaves_identity_unparsed() -> None:
    stream = BytesIO(saved(dataset(PatientName="Doe^Jane")))
    from covid_model.images.dicom_header import TAGS

    assert "PatientName" not in pydicom.dcmread(stream, specific_tags=list(TAGS))
    assert UNIT.shape == (HEIGHT, WIDTH)
