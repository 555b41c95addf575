"""`data demo`: draw the images, write tables, annotations, manifest and the file that tells what was planted."""

import csv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.data.demo import LICENCE, TRUTH
from covid_model.data.demo.faults import Fault, again, copied, planted
from covid_model.data.demo.hospitals import HOSPITALS, Hospital, as_taken, with_bar
from covid_model.data.demo.patients import Patient, draw
from covid_model.data.labels import LABELS
from covid_model.data.lesions import DRAWN_LESIONS
from covid_model.data.manifest import build, data_hash, write_manifest
from covid_model.data.user_source import table_source
from covid_model.errors import DataError
from covid_model.files import write_json

LEAST: Final = 60
FIELDS: Final = ("path", "label", "patient", "finding", "view", "sex", "age", "licence")
QUALITY: Final = 92
FINDINGS: Final = {"COVID-19": "hazy patches on both sides", "Pneumonia": "one dense area", "Normal": "clear lungs"}
ABOUT: Final = (
    "A drawn data set to try the program with: no image shows a patient, and nothing learned from it holds for X-rays. "
    "`faults` lists what was planted, each with the quality check that should find it; `images` lists true labels and "
    "lesions in pixels; `hospitals` lists the acquisition styles, which reveal labels."
)


@dataclass(frozen=True)
class DemoSet:
    """What was written. manifest: its path; images: how many; faults: what was planted."""

    manifest: Path
    images: int
    faults: tuple[Fault, ...]


def write_demo(out: Path, *, images: int = 600, seed: int = 0, progress: Callable[[int], None] = lambda _: None) -> DemoSet:
    """Draw `images` labelled images into the new folder `out`, with manifest.parquet and truth.json beside them.

    Each hospital is a folder with a table (images.csv) as `data build --table` reads it, and the outlines of all lesions.
    Images are split by patient; a few faults are planted afterwards and listed in truth.json. The same call draws the same
    images. progress: called with the number of images drawn. Raises DataError for fewer than LEAST images,
    and for a folder that is not empty or cannot be written.
    """
    if images < LEAST:
        raise DataError(f"A demo data set needs {LEAST} images or more, for every label in every split. Received: {images}.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise DataError(f"{out} is not empty; name a new folder for the demo data set.")
        return _write(out.resolve(), images, seed, progress)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}.") from error


def _write(out: Path, images: int, seed: int, progress: Callable[[int], None]) -> DemoSet:
    each = max(2, images // 100)
    rows, truth = _draw_all(out, images - 4 * each, seed, progress)
    one_a_patient = list({row["patient"]: row for row in rows}.values())[:: max(1, len(rows) // (12 * each))]
    copies, faults = copied(one_a_patient, each, _copy)
    for row, fault in zip(copies, faults, strict=True):
        truth[row["path"]] = {**truth[_original(row["path"])], "copy_of": Path(_original(row["path"])).name}
        row["source"] = next(hospital.source for hospital in HOSPITALS if hospital.name in Path(fault.path).parts)
    rows += copies
    _write_tables(out, rows)
    own = {
        hospital.source: table_source(
            hospital.source, out / hospital.name / "images.csv", {field: field for field in FIELDS}
        )
        for hospital in HOSPITALS
    }
    table, report = build({hospital.source: out / hospital.name for hospital in HOSPITALS}, own=own, seed=seed)
    table, faults = planted(table, faults, each)
    labels = dict(zip(table["path"], table["label"], strict=True))
    _write_tables(out, [{**row, "label": labels[row["path"]]} for row in rows])
    report.data_hash = data_hash(table)
    write_manifest(table, report, out / "manifest.parquet")
    content = {
        "about": ABOUT,
        "licence": LICENCE,
        "faults": [{**asdict(fault), "path": _inside(fault.path, out)} for fault in faults],
        "hospitals": [asdict(hospital) for hospital in HOSPITALS],
        "images": {_inside(path, out): cells for path, cells in truth.items()},
    }
    write_json(out / TRUTH, content)
    progress(images)
    return DemoSet(out / "manifest.parquet", len(table), tuple(faults))


def _inside(path: str, out: Path) -> str:
    return Path(path).relative_to(out).as_posix()


def _draw_all(
    out: Path, images: int, seed: int, progress: Callable[[int], None]
) -> tuple[list[dict[str, str]], dict[str, dict[str, Any]]]:
    """Draw and write all honest images; their rows, and the truth of each by path."""
    jobs = [
        (hospital, patient, number)
        for place, hospital in enumerate(HOSPITALS)
        for patient in _patients(hospital, images // 3 + (place < images % 3), [seed, place])
        for number in range(patient.images)
    ]
    rows, truth = [], {}
    for hospital in HOSPITALS:
        for folder in ("images", DRAWN_LESIONS):
            (out / hospital.name / folder).mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        for done, (row, known) in enumerate(pool.map(lambda job: _draw_one(out, *job), jobs), 1):
            rows.append(row)
            truth[row["path"]] = known
            progress(done)
    return rows, truth


def _patients(hospital: Hospital, images: int, seed: list[int]) -> list[Patient]:
    """Patients with one to four images each, `images` together, whose labels have the hospital's shares."""
    rng = np.random.default_rng(seed)
    found: list[Patient] = []
    given = dict.fromkeys(LABELS, 0)
    while images:
        count = min(images, int(rng.integers(1, 5)))
        label = max(LABELS, key=lambda name: hospital.shares[name] * (sum(given.values()) + count) - given[name])
        given[label] += count
        images -= count
        name = f"{hospital.name}-{len(found) + 1:03d}"
        sex, age = "FM"[int(rng.integers(2))], int(rng.integers(22, 88))
        found.append(Patient(name, label, sex, age, int(rng.integers(2**31)), count))
    return found


def _draw_one(out: Path, hospital: Hospital, patient: Patient, number: int) -> tuple[dict[str, str], dict[str, Any]]:
    """Draw and write one image and the outline of its lesions."""
    drawn = draw(patient, number)
    image = as_taken(drawn.chest, hospital, np.random.default_rng([patient.seed, 2, number]))
    path = out / hospital.name / "images" / f"{patient.name}-{number + 1}{hospital.suffix}"
    _store(path, with_bar(image))
    lesions = _seen_lesions(drawn.lesions, image.shape[0], hospital)
    whole = np.zeros(with_bar(image).shape, np.uint8)
    whole[: lesions.shape[0]] = lesions
    if whole.any():
        _store(path.parents[1] / DRAWN_LESIONS / f"{path.stem}.png", 255 * whole)
    row = {
        "path": str(path),
        "label": patient.label,
        "patient": patient.name,
        "finding": f"drawn: {FINDINGS[patient.label]}",
        "view": hospital.view,
        "sex": patient.sex,
        "age": str(patient.age),
        "licence": LICENCE,
        "source": hospital.source,
    }
    return row, {"label": patient.label, "patient": patient.name, "hospital": hospital.name, "lesions": _boxes(whole)}


def _seen_lesions(lesions: NDArray[np.bool_], side: int, hospital: Hospital) -> NDArray[np.uint8]:
    """The lesions on the image as stored, (side, side) of 0 and 1; none in the black frame."""
    small = cv2.resize(lesions.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    if edge := round(hospital.frame * side):
        small[:edge], small[:, :edge], small[:, -edge:] = 0, 0, 0
    return np.asarray(small, np.uint8)


def _boxes(mask: NDArray[np.uint8]) -> list[dict[str, int]]:
    """The bounding boxes of the separate lesions, in pixels: x, y, width, height."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return [dict(zip(("x", "y", "width", "height"), map(int, cells[:4]), strict=True)) for cells in stats[1:]]


def _store(path: Path, image: NDArray[np.uint8]) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if path.suffix == ".jpg" else []
    path.write_bytes(bytes(cv2.imencode(path.suffix, image, options)[1]))


def _copy(row: dict[str, str], kind: str, same: bool) -> dict[str, str]:
    """Write a copy of an image under a name of its own: the same bytes, or another export of it."""
    path = Path(row["path"])
    copy = path.with_name(f"{path.stem}-{kind}{path.suffix}")
    if same:
        copy.write_bytes(path.read_bytes())
    else:
        _store(copy, again(np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)))
    return {**row, "path": str(copy)}


def _original(path: str) -> str:
    """The image that a copy was made of."""
    copy = Path(path)
    return str(copy.with_name(f"{copy.stem.rpartition('-')[0]}{copy.suffix}"))


def _write_tables(out: Path, rows: list[dict[str, str]]) -> None:
    """One images.csv in each hospital's folder, with paths relative to it."""
    for hospital in HOSPITALS:
        with (out / hospital.name / "images.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, FIELDS, extrasaction="ignore")
            writer.writeheader()
            for row in rows:
                if row["source"] == hospital.source:
                    writer.writerow({**row, "path": _inside(row["path"], out / hospital.name)})
