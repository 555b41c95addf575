"""Readers of the two usual layouts of data sets: a table with one row an image, and one folder a class."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from covid_model.data.image_files import ImageFinder, files_below, is_hidden, letters, why_passed_over
from covid_model.data.source import Source, SourceImage
from covid_model.data.tables import Table, find_table, read_table
from covid_model.errors import DataError

SPLITS: Final = ("train", "training", "trainval", "val", "valid", "validation", "dev", "test", "testing")
"""Folders of an existing split, which are not classes, in the order in which they are read."""
_AFTER_SPLIT: Final = r"(?:set|data|dataset|images?|imgs?|split|fold)*"
"""Letters that may follow in the folder's name: train_data, Test Set."""
PLAIN_FOLDERS: Final = (
    *("image", "images", "img", "imgs", "picture", "pictures", "xray", "xrays", "cxr", "data", "files", "original", "raw"),
    *("png", "jpg", "jpeg", "tif", "tiff", "dicom", "dcm", "frontal", "pa", "ap"),
)
"""Folders that sort files, not patients; compared by their letters."""
OLDEST: Final = 120


def parsed_age(text: str) -> float | None:
    """Years as a number, also from "058Y" as in ChestX-ray14; None for anything else and above OLDEST.

    >>> parsed_age("058Y"), parsed_age("adult")
    (58.0, None)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*Y?\s*", text)
    return float(match[1]) if match and float(match[1]) <= OLDEST else None


def parsed_sex(text: str) -> str:
    """The sex by its first letter, "M" or "F"; else an empty text.

    >>> parsed_sex("female"), parsed_sex("?")
    ('F', '')
    """
    return first if (first := text.strip().upper()[:1]) in ("M", "F") else ""


def read_listed(source: Source, folder: Path) -> Iterator[SourceImage]:
    """The rows of the source's table; images that no row names and rows that `only` leaves out are passed over."""
    table = read_table(find_table(folder, source.tables))
    columns = _columns(source, table)
    finder = ImageFinder(folder / source.images)
    named = set()
    for cells in table.rows:
        texts = {name: cells[column].strip() or source.defaults.get(name, "") for name, column in columns.items()}
        image = _listed(source, finder, {**source.defaults, **texts})
        named.add(image.path)
        other = [f"{column} {cells[column]}" for column, value in source.only.items() if not _same(cells[column], value)]
        yield replace(image, passed_over=", ".join(other))
    if source.images and finder.root.is_dir():
        for other_path in finder.others(named):
            yield SourceImage(other_path, passed_over="images that no row names")


def _same(text: str, other: str) -> bool:
    return text.strip().casefold() == other.strip().casefold()


def _columns(source: Source, table: Table) -> dict[str, str]:
    """Field -> the column of this table. Raises DataError where a required one is missing."""
    found, missing = {}, []
    for key, wanted in source.columns.items():
        names = (wanted,) if isinstance(wanted, str) else wanted
        column = next((column for column in table.columns for each in names if _same(column, each)), None)
        if column is not None:
            found[key] = column
        elif key in source.required:
            missing.append(names[0])
    table.need(*missing, *source.only)
    return found


def _listed(source: Source, finder: ImageFinder, cells: Mapping[str, str]) -> SourceImage:
    """One row. cells: field -> text."""
    finding = cells.get("finding") or cells.get("label", "")
    view = cells.get("view", "").strip("?")
    return SourceImage(
        path=finder.find(cells["path"]),
        patient=cells.get("patient", ""),
        finding=finding,
        label=source.label(cells.get("label") or finding),
        view=view.upper() if len(view) < 3 else view,
        sex=parsed_sex(cells.get("sex", "")),
        age=parsed_age(cells.get("age", "")),
        licence=cells.get("licence") or source.licence,
        link=cells.get("link", ""),
        problem="" if cells["path"] else "a row names no image",
    )


def read_classes(source: Source, folder: Path) -> Iterator[SourceImage]:
    """The images of one folder a class, below folders of a split or not.

    An inner folder is a patient, unless it sorts files ("images") or is repeated in every class. Raises DataError where
    there are no class folders.
    """
    root, classes = class_folders(source, folder)
    inside: dict[Path, list[Path]] = {each: [] for each in classes}
    depth = len(classes[0].parts)
    for path in files_below(folder):
        if (paths := inside.get(Path(*path.parts[:depth]))) is not None:
            paths.append(path)
        else:
            reason = why_passed_over(path, folder) or "images outside the class folders"
            yield SourceImage(path, passed_over=reason)
    repeated = _repeated_folders(inside)
    for each, paths in inside.items():
        for path in paths:
            if reason := why_passed_over(path, root):
                yield SourceImage(path, passed_over=reason)
            else:
                yield _in_class(source, each, path, repeated)


def class_folders(source: Source, folder: Path) -> tuple[Path, list[Path]]:
    """The folder that holds the classes or splits of them, and the class folders in the order of reading.

    Raises DataError where there are none.
    """
    root, inner = folder, _folders(folder)
    while len(inner) == 1 and source.label(inner[0].name) is None and _folders(inner[0]):
        root, inner = inner[0], _folders(inner[0])  # an archive's own folder around everything
    parts = sorted((each for each in inner if _split(each.name)), key=lambda each: SPLITS.index(_split(each.name)))
    found = [each for part in parts for each in _folders(part)] or inner
    if not found:
        raise DataError(f"{folder} holds no folders; one folder a class, such as COVID-19 and Normal, would work.")
    if not source.common_names and not any(source.label(each.name) for each in found):
        raise DataError(f"{folder} has none of the folders {', '.join(source.labels)}; give the unpacked download.")
    return root, found


def _split(name: str) -> str:
    """The entry of SPLITS that a folder's name means, else an empty text."""
    match = re.fullmatch(f"({'|'.join(SPLITS)}){_AFTER_SPLIT}", letters(name))
    return match[1] if match else ""


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))


def _repeated_folders(inside: Mapping[Path, list[Path]]) -> set[str]:
    """Names of inner folders that every class has. Names with digits may be patients' numbers and are not among them."""
    names: dict[str, set[str]] = {}
    for each, paths in inside.items():
        names.setdefault(each.name, set()).update(part for path in paths for part in path.relative_to(each).parts[:-1])
    if len(names) < 2:
        return set()
    return {name for name in set.intersection(*names.values()) if not re.search(r"\d", name)}


def _in_class(source: Source, each: Path, path: Path, repeated: set[str]) -> SourceImage:
    """One image of the class folder `each`."""
    patient, problem = "", ""
    if source.patient_pattern:
        match = re.search(source.patient_pattern, path.stem)
        patient = next(filter(None, match.groups()), "") if match else ""
        problem = "" if patient else f"no patient in the file name {path.name}"
    else:
        inner = [
            part
            for part in path.relative_to(each).parts[:-1]
            if part not in repeated and letters(part) not in PLAIN_FOLDERS and not _split(part)
        ]
        patient = f"{each.name}/{inner[0]}" if inner else ""
    return SourceImage(
        path=path,
        patient=patient,
        finding=each.name,
        label=source.label(each.name),
        view=source.defaults.get("view", ""),
        licence=source.licence,
        problem=problem,
    )
