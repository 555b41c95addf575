"""A user's own images as a source: a folder with one folder a class, or a CSV table whose columns are named."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from covid_model.data.labels import LABELS
from covid_model.data.sources import PICTURES, Row, Source, parsed_age, read_table
from covid_model.errors import DataError

NAMES: Final[Mapping[str, str]] = {
    "covid": "COVID-19",
    "covid19": "COVID-19",
    "sarscov2": "COVID-19",
    "pneumonia": "Pneumonia",
    "viralpneumonia": "Pneumonia",
    "bacterialpneumonia": "Pneumonia",
    "normal": "Normal",
    "healthy": "Normal",
    "nofinding": "Normal",
    "negative": "Normal",
}
"""What people call the three labels, letters and digits only."""
FIELDS: Final = ("path", "label", "patient", "finding", "view", "sex", "age", "licence", "link")
"""What a column of a table may hold; the first two are needed."""


def label_of(name: str, given: Mapping[str, str]) -> str | None:
    """The label of a class name: as the user says, else as people call it; None where it is neither."""
    if name in given:
        return given[name]
    if name in LABELS:
        return name
    return NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def _checked(name: str, given: Mapping[str, str]) -> None:
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise DataError(f"A source's name has up to 60 letters, digits, dots, dashes and underscores. Received: {name!r}.")
    if wrong := [label for label in given.values() if label not in LABELS]:
        raise DataError(f"Labels are {', '.join(LABELS)}. Received: {', '.join(wrong)}.")


def classes_source(name: str, *, labels: Mapping[str, str] | None = None, view: str = "PA") -> Source:
    """A folder that holds one folder a class. labels: class folder -> label, where its name does not say it.

    Images in a further folder belong to the patient it is named after; others count as a patient each. view: of all images.
    Raises DataError for a name or label that cannot be used.
    """
    given = dict(labels or {})
    _checked(name, given)
    return Source(name, (), f"{name} (own images)", "", "yours to say", partial(_read_classes, given, view))


def _read_classes(given: Mapping[str, str], view: str, folder: Path) -> Iterator[Row]:
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise DataError(f"{folder} holds no folders; one folder a class, such as COVID-19 and Normal, would work.")
    for each in classes:
        for path in sorted(each.rglob("*")):
            if path.suffix.lower() in PICTURES:
                inner = path.parent.relative_to(each).parts
                patient = f"{each.name}/{inner[0]}" if inner else f"{each.name}/{path.stem}"
                yield Row(path, patient, each.name, label_of(each.name, given), view)


def table_source(
    name: str, table: Path, columns: Mapping[str, str], *, labels: Mapping[str, str] | None = None, view: str = "PA"
) -> Source:
    """A CSV file with a row an image. columns: field (FIELDS) -> column of the table; paths are relative to the table.

    view: of images whose row does not say it. Raises DataError for fields, columns, names or labels that cannot be used.
    """
    given = dict(labels or {})
    _checked(name, given)
    if missing := [field for field in FIELDS[:2] if not columns.get(field)]:
        raise DataError(f"Say which column holds the {' and the '.join(missing)} of an image.")
    if wrong := [field for field in columns if field not in FIELDS]:
        raise DataError(f"Columns can be {', '.join(FIELDS)}. Received: {', '.join(wrong)}.")
    read = partial(_read_images, table.name, dict(columns), given, view)
    return Source(name, (), f"{name} (own images)", "", "yours to say", read)


def table_columns(table: Path) -> tuple[str, ...]:
    """The columns of a CSV file. Raises DataError where it cannot be read."""
    return tuple(read_table(table.parent, table.name).columns)


def _read_images(file: str, columns: Mapping[str, str], given: Mapping[str, str], view: str, folder: Path) -> Iterator[Row]:
    table: pd.DataFrame = read_table(folder, file)
    if absent := [column for column in columns.values() if column not in table.columns]:
        raise DataError(f"{file} lacks the column(s) {', '.join(absent)}; it has {', '.join(table.columns)}.")
    for cells in table.to_dict("records"):
        told = {field: str(cells[column]).strip() for field, column in columns.items()}
        path = folder / told["path"]
        yield Row(
            path=path,
            patient=told.get("patient") or path.stem,
            finding=told.get("finding") or told["label"],
            label=label_of(told["label"], given),
            view=told.get("view", "").upper() or view,
            sex=told.get("sex", "").upper()[:1],
            age=parsed_age(told.get("age", "")),
            licence=told.get("licence", ""),
            link=told.get("link", ""),
            problem="" if told["path"] else "row without a path",
        )
