"""Results as DICOM files beside the original, for a PACS viewer: Secondary Capture, Parametric Map and Segmentation."""

from copy import deepcopy
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from covid_model import __version__
from covid_model.api.result import Result
from covid_model.errors import ImageError
from covid_model.explain.methods import get_method
from covid_model.explain.overlay import blended, heat, outlined
from covid_model.images.dicom import DECODE_ERRORS, has_dicom_mark
from covid_model.images.dicom_geometry import to_stored_grid
from covid_model.images.dicom_header import parsed
from covid_model.images.window import displayed

NOTICE: Final = "RESEARCH ONLY - NOT FOR DIAGNOSIS"
EQUIPMENT: Final[dict[str, Any]] = {
    "manufacturer": "X-ray Explained",
    "manufacturer_model_name": "X-ray Explained",
    "software_versions": __version__,
    "device_serial_number": "none",
}
NEEDED: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Rows", "Columns")
COPIED: Final = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate")
"""Attributes that every DICOM file has, if only empty (type 2); the new files take them from the original."""
FIRST_SERIES: Final = 9001


def dicom_files(result: Result, original: bytes) -> dict[str, bytes]:
    """Three DICOM files of a result by the ending of their name, each in a series of its own of the original's study.

    "overlay.dcm": the heatmap over the image as a colour Secondary Capture, with NOTICE burned in. "heatmap.dcm": the raw
    heatmap, float32, as a Parametric Map. "lungs.dcm": the lung outline as a binary Segmentation. The last two have the rows
    and columns of the original, so that a viewer can lay them over it.

    original: the bytes of the DICOM file that was explained. Its patient and study are copied, since a PACS files by them:
    the results identify the patient as the original does. Raises ImageError if `original` is not that file, or if its header
    lacks what a reference needs.
    """
    lungs = result.prediction.prepared.lungs.mask.astype(np.float32)
    header = _reference(result, original)
    try:
        back = to_stored_grid(parsed(original))
        return {
            "overlay.dcm": _saved(_secondary_capture(result, header)),
            "heatmap.dcm": _saved(_parametric_map(result, header, back(result.heatmap))),
            "lungs.dcm": _saved(_segmentation(header, back(lungs) >= 0.5)),
        }
    except DECODE_ERRORS:
        # `from None`: the library's own message may quote the file.
        raise ImageError("The header of the DICOM file is damaged, so no DICOM result can refer to it.") from None


def save_dicom(result: Result, original: bytes, folder: Path | str, stem: str) -> list[Path]:
    """Write what `dicom_files` makes as `folder/stem.overlay.dcm` and so on; returns the paths."""
    made = dicom_files(result, original)
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = [Path(folder) / f"{stem}.{ending}" for ending in made]
    for path, content in zip(paths, made.values(), strict=True):
        path.write_bytes(content)
    return paths


def _reference(result: Result, original: bytes) -> Dataset:
    """The original's attributes without pixels, completed where the standard allows an empty value."""
    if not has_dicom_mark(original):
        raise ImageError("Only a result of a DICOM file can be written as DICOM; this image came from another format.")
    if sha256(original).hexdigest() != result.image.digest:
        raise ImageError("The DICOM file is not the image that was explained: its digest differs.")
    header = pydicom.dcmread(BytesIO(original), stop_before_pixels=True)
    if missing := [name for name in NEEDED if not header.get(name)]:
        raise ImageError(f"The DICOM file lacks {', '.join(missing)}, so no result can refer to it.")
    for name in (*COPIED, "StudyTime"):
        if name not in header:
            setattr(header, name, None if name.endswith(("Date", "Time")) else "")
    return header


def _secondary_capture(result: Result, header: Dataset) -> Dataset:
    """The overlay as a person sees it, RGB, with NOTICE at the bottom."""
    import highdicom

    method = get_method(result.explanation.method)
    grey = displayed(result.image.pixels)
    layer = heat(result.heatmap, 0.6, "inferno", signed=method.signed)
    picture = outlined(blended(grey, layer), result.prediction.prepared.lungs.mask)
    found = highdicom.sc.SCImage.from_ref_dataset(
        header,
        _with_notice(picture),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        series_instance_uid=highdicom.UID(),
        series_number=FIRST_SERIES,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer=EQUIPMENT["manufacturer"],
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    if not header.get("PatientOrientation"):
        found.PatientOrientation = []  # nobody says which side is the patient's left
    found.SeriesDescription = f"{NOTICE}: {method.label}"[:64]
    found.BurnedInAnnotation = "YES"
    found.DerivationDescription = (
        f"{method.label} heatmap for {result.explanation.target}, model {result.explanation.model}. {NOTICE}."
    )
    found.SourceImageSequence = [_referenced(header)]
    return found


def _referenced(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    return item


def _with_notice(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of the RGB picture with NOTICE in white on a black band as wide as the picture."""
    height, width = picture.shape[:2]
    (text_width, text_height), _ = cv2.getTextSize(NOTICE, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
    scale = 0.9 * width / text_width
    band = min(height, round(2 * scale * text_height))
    marked = picture.copy()
    marked[height - band :] = 0
    place = (round(0.05 * width), height - band // 4)
    cv2.putText(
        marked, NOTICE, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), max(1, round(2 * scale)), cv2.LINE_AA
    )
    return marked


def _parametric_map(result: Result, header: Dataset, heatmap: NDArray[np.float32]) -> Dataset:
    """The raw values, with one mapping that states that they have no unit."""
    import highdicom

    low, high = float(heatmap.min()), float(heatmap.max())
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label="heatmap",
        lut_explanation=f"{result.explanation.method} for {result.explanation.target}"[:64],
        unit=highdicom.sr.CodedConcept("1", "UCUM", "no units"),
        value_range=(low, high),
        slope=1.0,
        intercept=0.0,
    )
    made = highdicom.pm.ParametricMap(
        [_placed(header)],
        heatmap,
        series_instance_uid=highdicom.UID(),
        series_number=FIRST_SERIES + 1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[
            highdicom.VOILUTTransformation(window_center=(low + high) / 2, window_width=max(high - low, 1e-6))
        ],
        content_description=NOTICE,
        content_label="HEATMAP",
        series_description=f"{NOTICE}: raw heatmap",
        image_flavor="STATIC",
        **EQUIPMENT,
    )
    return _unplaced(made)


def _placed(header: Dataset) -> Dataset:
    """A copy with a place in the patient, which highdicom asks for and a projection lacks; `_unplaced` removes it."""
    placed = deepcopy(header)
    placed.FrameOfReferenceUID = "2.25.1"
    placed.ImagePositionPatient, placed.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    placed.PixelSpacing, placed.SliceThickness = placed.get("PixelSpacing") or [1, 1], 1
    return placed


def _unplaced(made: Dataset) -> Dataset:
    """Take the place in the patient out again; its label then identifies the frame (PS3.3 A.75, C.7.6.17)."""
    for name in ("FrameOfReferenceUID", "PositionReferenceIndicator"):
        if name in made:
            delattr(made, name)
    shared, frame = made.SharedFunctionalGroupsSequence[0], made.PerFrameFunctionalGroupsSequence[0]
    for group in (shared, frame):
        for name in ("PlaneOrientationSequence", "PlanePositionSequence", "PixelMeasuresSequence"):
            if name in group:
                delattr(group, name)
    content = frame.FrameContentSequence[0]
    content.FrameLabel, content.DimensionIndexValues = "heatmap", [1]
    index = Dataset()
    index.DimensionOrganizationUID = made.DimensionOrganizationSequence[0].DimensionOrganizationUID
    index.DimensionIndexPointer = tag_for_keyword("FrameLabel")
    index.FunctionalGroupPointer = tag_for_keyword("FrameContentSequence")
    made.DimensionIndexSequence = [index]
    made.pop("DimensionOrganizationType", None)
    return made


def _segmentation(header: Dataset, lungs: NDArray[np.bool_]) -> Dataset:
    """The lung outline as one binary segment."""
    import highdicom
    from pydicom.sr.codedict import codes

    lung = highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label="Lungs",
        segmented_property_category=codes.SCT.Organ,
        segmented_property_type=codes.SCT.Lung,
        algorithm_type="AUTOMATIC",
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name="lung network", version=__version__, family=codes.DCM.ArtificialIntelligence
        ),
        display_color=highdicom.color.CIELabColor(78.0, -19.0, -36.0),
    )
    return highdicom.seg.Segmentation(
        [header],
        lungs.astype(np.uint8)[None],
        segmentation_type="BINARY",
        segment_descriptions=[lung],
        series_instance_uid=highdicom.UID(),
        series_number=FIRST_SERIES + 2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        content_description=NOTICE,
        content_label="LUNGS",
        series_description=f"{NOTICE}: lung outline",
        omit_empty_frames=False,
        **EQUIPMENT,
    )


def _saved(dataset: Dataset) -> bytes:
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
