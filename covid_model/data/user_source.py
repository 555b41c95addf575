"""A user's own images as a source: a folder with one folder a class, or a CSV table whose columns are named."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from covid_model.data.labels import LABELS, Label
from covid_model.data.readers import class_folders, read_classes, read_listed
from covid_model.data.source import FIELDS, SOURCES, Source, SourceImage
from covid_model.data.tables import read_table
from covid_model.errors import DataError


def _own(
    name: str, labels: Mapping[str, str] | None, view: str, reader: Callable[[Source, Path], Iterator[SourceImage]]
) -> Source:
    given = dict(labels or {})
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise DataError(f"A source's name has up to 60 letters, digits, dots, dashes and underscores. Received: {name!r}.")
    if name in SOURCES:
        raise DataError(f"{name} is the name of a public source; give your own images another one.")
    if wrong := [label for label in given.values() if label not in LABELS]:
        raise DataError(f"Labels are {', '.join(LABELS)}. Received: {', '.join(wrong)}.")
    return Source(
        name=name,
        title=f"{name} (own images)",
        homepage="",
        licence="yours to say",
        folders=(),
        labels=cast(Mapping[str, Label], given),
        common_names=True,
        defaults={"view": view},
        reader=reader,
    )


def classes_source(name: str, *, labels: Mapping[str, str] | None = None, view: str = "PA") -> Source:
    """The source of a folder with one folder a class. labels: class folder -> label, unless its name is one.

    Images in an inner folder belong to the patient it is named after; every other image counts as a patient of its own.
    view: of all images. Raises DataError for a name or label that cannot be used.

    >>> classes_source("clinic", labels={"ill": "Pneumonia"}).label("ill")
    'Pneumonia'
    """
    return _own(name, labels, view, read_classes)


def class_names(folder: Path) -> list[str]:
    """The classes of a folder of class folders, inside folders of a split or not. Raises DataError where there are none."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder on this machine.")
    _, found = class_folders(classes_source("own"), folder)
    return sorted({path.name for path in found})


def table_source(
    name: str,
    table: Path,
    columns: Mapping[str, str],
    *,
    images: Path | None = None,
    labels: Mapping[str, str] | None = None,
    view: str = "PA",
) -> Source:
    """The source of a CSV file with one row an image. columns: field (FIELDS) -> column; path and label are required.

    images: the folder that the paths are relative to, by default the table's own. view: of images whose row has none.
    Raises DataError for fields, columns, names or labels that cannot be used.
    """
    source = _own(name, labels, view, read_listed)
    if missing := [field for field in FIELDS[:2] if not columns.get(field)]:
        raise DataError(f"Say which column holds the {' and the '.join(missing)} of an image.")
    if wrong := [field for field in columns if field not in FIELDS]:
        raise DataError(f"Columns can be {', '.join(FIELDS)}. Received: {', '.join(wrong)}.")
    if images is not None and not images.is_dir():
        raise DataError(f"{images} is not a folder; --images {name}=FOLDER takes the folder of the table's images.")
    found = {field: column.strip() for field, column in columns.items()}
    return replace(
        source, tables=(table.name,), columns=found, required=tuple(found), images=images.resolve() if images else ""
    )


def table_columns(table: Path) -> tuple[str, ...]:
    """The columns of a CSV file. Raises DataError where it cannot be read."""
    return tuple(read_table(table).columns)
