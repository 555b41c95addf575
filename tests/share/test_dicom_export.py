"""Results as DICOM: read back by pydicom, on the original's grid, and never without the notice."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from drawing import dataset, png, saved
from pydicom.dataset import Dataset
from pydicom.uid import ParametricMapStorage, SecondaryCaptureImageStorage, SegmentationStorage, generate_uid

from covid_model.api.load import load_model, read_image
from covid_model.api.model import Model
from covid_model.api.result import Result
from covid_model.cli.main import main
from covid_model.errors import ImageError
from covid_model.images.dicom_geometry import to_stored_grid
from covid_model.images.dicom_header import parsed
from covid_model.images.phantom import PHANTOMS, draw_phantom
from covid_model.share.dicom_export import dicom_files


def radiograph(pixels: np.ndarray | None = None, **attributes: object) -> Dataset:
    """A chest phantom with what a PACS needs to file an image."""
    drawn = draw_phantom(PHANTOMS["dense"]).astype(np.uint16) * 16 if pixels is None else pixels
    stated = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "PatientName": "Drawn^Phantom"}
    return dataset(drawn, **{**stated, "PatientID": "7", "StudyDate": "20260102", **attributes})


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("lungs")


def explained(model: Model, data: bytes) -> Result:
    image = read_image(data)
    return model.explain(image, prediction=model.predict(image, force=True))


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(data))


def test_three_files_refer_to_the_original_and_read_back(model: Model) -> None:
    original = radiograph()
    result = explained(model, saved(original))
    files = {name: read(data) for name, data in dicom_files(result, saved(original)).items()}
    assert [file.SOPClassUID for file in files.values()] == [
        SecondaryCaptureImageStorage,
        ParametricMapStorage,
        SegmentationStorage,
    ]
    for file in files.values():
        assert (file.StudyInstanceUID, file.PatientID) == (original.StudyInstanceUID, "7")
        assert file.SourceImageSequence[0].ReferencedSOPInstanceUID == original.SOPInstanceUID
        assert file.SeriesDescription.startswith("RESEARCH ONLY")
    assert len({original.SeriesInstanceUID, *(file.SeriesInstanceUID for file in files.values())}) == 4
    np.testing.assert_array_equal(files["heatmap.dcm"].pixel_array, result.heatmap)
    np.testing.assert_array_equal(files["lungs.dcm"].pixel_array.astype(bool), result.prediction.prepared.lungs.mask)
    assert files["lungs.dcm"].pixel_array.any()


def test_the_notice_is_burned_into_the_overlay(model: Model) -> None:
    data = saved(radiograph())
    overlay = read(dicom_files(explained(model, data), data)["overlay.dcm"])
    assert overlay.BurnedInAnnotation == "YES"
    assert overlay.PatientOrientation is None or not list(overlay.PatientOrientation)
    rows = overlay.pixel_array[-60:].reshape(-1, 3)
    white, black = (rows > 200).all(axis=1).sum(), (rows < 20).all(axis=1).sum()
    assert white > 500
    assert black > 2 * white


def test_the_map_claims_no_place_in_the_patient(model: Model) -> None:
    """A projection has none; the place that the library asks for must not stay."""
    data = saved(radiograph(PixelSpacing=[0.2, 0.2]))
    stated = str(read(dicom_files(explained(model, data), data)["heatmap.dcm"]))
    for name in ("Frame of Reference", "Image Position (Patient)", "Image Orientation (Patient)"):
        assert name not in stated


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"PatientOrientation": ["R", "H"]},
        {"PatientOrientation": ["L", "H"]},
        {"PatientOrientation": ["H", "R"]},
        {"PatientOrientation": ["F", "L"]},
        {"PixelSpacing": [0.2, 0.1]},
        {"PixelSpacing": [0.1, 0.2], "PatientOrientation": ["R", "F"]},
    ],
)
def test_what_is_found_on_the_image_goes_back_to_its_stored_place(attributes: dict[str, object]) -> None:
    """A bright spot in the stored pixels, found on the image as read, goes back to its stored row and column."""
    stored = np.zeros((80, 96), np.uint16)
    stored[10:14, 70:74] = 4095
    data = saved(dataset(stored, **attributes))
    back = to_stored_grid(parsed(data))(read_image(data).pixels)
    assert back.shape == stored.shape
    found = np.argwhere(back > 0.5)
    assert found.mean(axis=0) == pytest.approx((11.5, 71.5), abs=0.6)


def test_bad_input_is_one_sentence(model: Model) -> None:
    data = saved(radiograph())
    result = explained(model, data)
    with pytest.raises(ImageError, match="not the image that was explained"):
        dicom_files(result, saved(radiograph()))
    with pytest.raises(ImageError, match="Only a result of a DICOM file"):
        dicom_files(result, png())
    nameless = saved(dataset(draw_phantom(PHANTOMS["dense"]).astype(np.uint16) * 16))
    with pytest.raises(ImageError, match="lacks StudyInstanceUID, SeriesInstanceUID"):
        dicom_files(explained(model, nameless), nameless)


def test_the_command_writes_the_files_and_prints_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "Drawn^Phantom.dcm"
    path.write_bytes(saved(radiograph()))
    assert main(["dicom", str(path), "--force", "--out", str(tmp_path / "out")]) == 0
    written = sorted((tmp_path / "out").iterdir())
    assert [file.name.split(".", 1)[1] for file in written] == [
        "gradcam.heatmap.dcm",
        "gradcam.lungs.dcm",
        "gradcam.overlay.dcm",
    ]
    assert "Phantom" not in capsys.readouterr().out
