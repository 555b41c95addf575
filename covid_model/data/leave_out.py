"""Images to leave out of the next manifest: a table that the Dataset page writes and `data build --leave-out` reads."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
from filelock import FileLock, Timeout

from covid_model.data.beside import WAIT, beside
from covid_model.data.duplicates import joined_groups, near_pairs
from covid_model.data.tables import read_table
from covid_model.errors import DataError
from covid_model.files import remove_partials, written_whole
from covid_model.settings import require_own_host

COLUMNS: Final = ("digest", "file", "check", "why")
Key = tuple[str, str]
"""Digest and file name of an image: of two copies of one file, each can be left out alone, and folders may move."""


def leave_out_path(manifest: Path) -> Path:
    """The list of a manifest."""
    return beside(manifest, "leave-out.csv")


def key_of(digest: str, path: str | Path) -> Key:
    """How an image is named in the list."""
    return digest, Path(path).name


def read_leave_out(path: Path) -> dict[Key, str]:
    """(digest, file name) -> why, of the images in the list. Raises DataError where it is no such table."""
    table = read_table(path)
    table.need("digest", "file")
    return {(row["digest"], row["file"]): row.get("check", "") for row in table.rows}


def listed_images(manifest: Path) -> dict[Key, str]:
    """The images in a manifest's list; empty where there is none or it is damaged."""
    try:
        return read_leave_out(leave_out_path(manifest))
    except DataError:
        return {}


def leave_out(manifest: Path, images: Iterable[Mapping[str, Any]], check: str) -> int:
    """Add images (with digest, path, why) to the list; returns how many it holds. Two writers do not lose each other's rows.

    Raises DataError where the list cannot be written, HostError on a public copy.
    """
    require_own_host("Leaving images out")
    path = leave_out_path(manifest)
    new = {key_of(row["digest"], row["path"]): {"check": check, "why": str(row["why"])} for row in images}
    try:
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=WAIT):
            rows = {(row["digest"], row["file"]): row for row in _rows(path)}
            rows |= {key: {"digest": key[0], "file": key[1], **cells} for key, cells in new.items()}
            remove_partials(path)
            with written_whole(path) as partial:
                partial.write_text(as_csv(rows.values()), "utf-8")
    except Timeout:
        raise DataError(f"Another process has been writing {path.name} for {WAIT:.0f} s; try again.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
    return len(rows)


def clear_leave_out(manifest: Path) -> None:
    """Remove the list. Raises HostError on a public copy."""
    require_own_host("Clearing the list")
    leave_out_path(manifest).unlink(missing_ok=True)


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV with COLUMNS."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def surplus(images: pd.DataFrame) -> pd.DataFrame:
    """The images without the first of each group of copies, by near-duplicate hash. images: with phash."""
    pairs = [(int(first), int(second)) for first, second, _ in near_pairs(images["phash"].tolist())]
    return images[pd.Series(joined_groups(len(images), pairs), index=images.index).duplicated()]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        return list(read_table(path).rows)
    except DataError:
        return []
