"""The SOURCES table: how each public download is laid out on disk and read into rows.

A reader lists what the source claims, in the source's own words, and opens no picture. It raises DataError when the folder
is not that source; single bad rows are yielded with `problem` set.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from covid_model.data.labels import KERMANY_FOLDERS, cohen_label, nih_label
from covid_model.errors import DataError

PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".dcm"})


@dataclass(frozen=True)
class Row:
    """One image as its source describes it.

    view: "PA", "AP", "AP Supine", "L" or "" where unstated. sex: "M", "F" or "". age: years or None.
    problem: a sentence where the row is unusable.
    """

    path: Path
    patient: str
    finding: str
    label: str | None
    view: str = ""
    sex: str = ""
    age: float | None = None
    licence: str = ""
    link: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Source:
    """One public layout; `name` is for command line and manifest, `folders` what its folder is usually called.

    children: do all its images show children? archives: addresses that need no account; by_hand: what to do where there are
    none.
    """

    name: str
    folders: tuple[str, ...]
    title: str
    homepage: str
    licence: str
    read: Callable[[Path], Iterator[Row]]
    children: bool = False
    archives: tuple[str, ...] = ()
    by_hand: str = ""


def read_table(folder: Path, *names: str) -> pd.DataFrame:
    """The first of the CSV files `names` in `folder`, every cell a string ("" for empty)."""
    for name in names:
        if (path := folder / name).is_file():
            try:
                return pd.read_csv(path, dtype=str, keep_default_na=False)
            except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
                raise DataError(f"{path.name} is not a readable CSV table: {error}") from error
    raise DataError(f"{folder} holds no {' or '.join(names)}; give the folder of the unpacked public download.")


def _need(table: pd.DataFrame, columns: Mapping[str, str], name: str) -> None:
    missing = [column for column in columns.values() if column not in table.columns]
    if missing:
        raise DataError(f"{name} lacks the column(s) {', '.join(missing)}; it has {', '.join(table.columns)}.")


def parsed_age(text: str) -> float | None:
    """Years as a number; ChestX-ray14 once wrote "058Y". Nonsense (empty, words, over 120) is None."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*Y?\s*", text)
    return float(match[1]) if match and float(match[1]) <= 120 else None


def _pictures(folder: Path) -> dict[str, Path]:
    """File name -> path of every picture below `folder`; public downloads split them over numbered folders."""
    return {path.name: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES}


def _read_cohen(folder: Path) -> Iterator[Row]:
    table = read_table(folder, "metadata.csv")
    _need(table, {c: c for c in ("patientid", "finding", "view", "filename", "modality")}, "metadata.csv")
    for cells in table.to_dict("records"):
        if cells["modality"] != "X-ray":
            continue
        name = cells["filename"].strip()
        yield Row(
            path=folder / "images" / name,
            patient=cells["patientid"].strip(),
            finding=cells["finding"].strip(),
            label=cohen_label(cells["finding"]),
            view=cells["view"].strip().strip("?"),
            sex=cells.get("sex", "").strip().upper(),
            age=parsed_age(cells.get("age", "")),
            licence=cells.get("license", "").strip() or "not stated",
            link=cells.get("url", "").strip(),
            problem="" if name and cells["patientid"].strip() else f"row without file name or patient: {name!r}",
        )


def _read_nih(folder: Path) -> Iterator[Row]:
    table = read_table(folder, "Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
    columns = {"name": "Image Index", "finding": "Finding Labels", "patient": "Patient ID", "view": "View Position"}
    _need(table, columns, "Data_Entry_2017")
    found = _pictures(folder)
    for cells in table.to_dict("records"):
        name = cells["Image Index"].strip()
        yield Row(
            path=found.get(name, folder / "images" / name),
            patient=cells["Patient ID"].strip(),
            finding=cells["Finding Labels"].strip(),
            label=nih_label(cells["Finding Labels"]),
            view=cells["View Position"].strip(),
            sex=(cells.get("Patient Sex") or cells.get("Patient Gender") or "").strip().upper(),
            age=parsed_age(cells.get("Patient Age", "")),
            licence="unrestricted, cite the NIH Clinical Center",
            problem="" if name and cells["Patient ID"].strip() else f"row without file name or patient: {name!r}",
        )


def _kermany_patient(stem: str) -> str:
    """`person101_virus_187` -> `person101`; `IM-0115-0001` and `NORMAL2-IM-0115-0001` -> `IM-0115`; "" otherwise."""
    match = re.match(r"(person\d+)_", stem) or re.search(r"(IM-\d+)-", stem)
    return match[1] if match else ""


def _read_kermany(folder: Path) -> Iterator[Row]:
    root = folder / "chest_xray" if (folder / "chest_xray").is_dir() else folder
    classes = [p for part in ("train", "val", "test") for p in sorted((root / part).glob("*")) if p.name in KERMANY_FOLDERS]
    if not classes:
        raise DataError(f"{folder} has no train/NORMAL or train/PNEUMONIA; give the unpacked chest_xray folder.")
    for class_folder in classes:
        for path in sorted(p for p in class_folder.iterdir() if p.suffix.lower() in PICTURES):
            patient = _kermany_patient(path.stem)
            yield Row(
                path=path,
                patient=patient,
                finding=class_folder.name,
                label=KERMANY_FOLDERS[class_folder.name],
                view="AP",
                licence="CC BY 4.0",
                problem="" if patient else f"no patient in the file name {path.name}",
            )


def _read_hannover(folder: Path) -> Iterator[Row]:
    table = read_table(folder, "data.csv")
    _need(table, {c: c for c in ("patient_id", "image_id", "projection")}, "data.csv")
    found = {Path(name).stem: path for name, path in _pictures(folder / "png").items()}
    for cells in table.to_dict("records"):
        image = cells["image_id"].strip()
        yield Row(
            path=found.get(image, folder / "png" / f"{image}.png"),
            patient=cells["patient_id"].strip(),
            finding="COVID-19",
            label="COVID-19",
            view=cells["projection"].strip().upper(),
            sex=cells.get("sex", "").strip().upper(),
            age=parsed_age(cells.get("age", "")),
            licence="CC BY 3.0",
            problem="" if image and cells["patient_id"].strip() else f"row without image or patient: {image!r}",
        )


SOURCES: Final[dict[str, Source]] = {
    row.name: row
    for row in (
        Source(
            "covid-chestxray-dataset",
            ("covid-chestxray-dataset", "covid-chestxray-dataset-master"),
            "COVID-19 image data collection (Cohen 2020)",
            "https://github.com/ieee8023/covid-chestxray-dataset",
            "per image; many non-commercial or not stated: do not redistribute",
            _read_cohen,
            archives=("https://github.com/ieee8023/covid-chestxray-dataset/archive/refs/heads/master.zip",),
        ),
        Source(
            "nih-chestxray14",
            ("NIH-ChestXray14", "ChestX-ray14", "nih-chestxray14"),
            "NIH ChestX-ray14 (Wang 2017)",
            "https://nihcc.app.box.com/v/ChestXray-NIHCC",
            "unrestricted, cite the NIH Clinical Center",
            _read_nih,
            by_hand="Its 42 GB come in twelve parts: open the address below, download images_001.tar.gz to "
            "images_012.tar.gz and Data_Entry_2017_v2020.csv, and unpack all of it into a folder ChestX-ray14 "
            "in your data folder.",
        ),
        Source(
            "chest_xray",
            ("chest_xray",),
            "Pediatric pneumonia, children aged 1 to 5 (Kermany 2018)",
            "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia",
            "CC BY 4.0",
            _read_kermany,
            children=True,
            by_hand="Sign in at Kaggle, download the data set from the address below, and unpack it so that the folder "
            "chest_xray with train, val and test lies in your data folder.",
        ),
        Source(
            "covid-19-image-repository",
            ("covid-19-image-repository", "covid-19-image-repository-master"),
            "Hannover Medical School COVID-19 image repository (Winther 2020)",
            "https://github.com/ml-workgroup/covid-19-image-repository",
            "CC BY 3.0",
            _read_hannover,
            archives=("https://github.com/ml-workgroup/covid-19-image-repository/archive/refs/heads/master.zip",),
        ),
    )
}


def get_source(name: str) -> Source:
    """The row of SOURCES called `name`; DataError names the known ones."""
    try:
        return SOURCES[name]
    except KeyError:
        raise DataError(f"Unknown source {name!r}; known sources: {', '.join(SOURCES)}.") from None


def find_sources(root: Path) -> dict[str, Path]:
    """The sources whose usual folder stands in `root`: name -> folder. Empty where there is none."""
    return {
        source.name: root / folder for source in SOURCES.values() for folder in source.folders if (root / folder).is_dir()
    }
