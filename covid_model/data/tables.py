"""CSV tables of sources, in any usual encoding and with any usual separator."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from covid_model.errors import DataError

SEPARATORS: Final = ",;\t|"
MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""Byte order marks at the start of a text -> its encoding."""
SPREADSHEETS: Final = ((b"PK\x03\x04", "an Excel or OpenDocument workbook"), (b"\xd0\xcf\x11\xe0", "an old Excel workbook"))


@dataclass(frozen=True)
class Table:
    """The text of a table. columns: their names; rows: column -> cell, "" for an empty one."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    def need(self, *columns: str) -> None:
        """Raises DataError where one of the columns is missing."""
        if missing := [column for column in columns if column not in self.columns]:
            raise DataError(f"{self.name} lacks the column(s) {', '.join(missing)}; it has {', '.join(self.columns)}.")


def find_table(folder: Path, names: Sequence[str]) -> Path:
    """The first of the files `names` in `folder`. Raises DataError where there is none."""
    for name in names:
        if (path := folder / name).is_file():
            return path
    raise DataError(f"{folder} holds no {' or '.join(names)}; give the folder of the unpacked download.")


def read_table(path: Path) -> Table:
    """Read a CSV file. Spaces around column names are removed; columns without a name are left out.

    Separators are comma, semicolon, tab and bar; encodings UTF-8, UTF-16 and Windows-1252. Raises DataError where the file
    is not such a table, and where a row has more cells than the header.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"The table {path} cannot be opened: {error.strerror}.") from error
    for first, kind in SPREADSHEETS:
        if data.startswith(first):
            raise DataError(f"{path.name} is {kind}; save its sheet as CSV (UTF-8) and give that file.")
    text = _decoded(data, path.name)
    first_line, _, rest = text.partition("\n")
    if match := re.fullmatch(r"sep=(.)\r?", first_line):  # Excel writes the separator on a line of its own
        text, separator = rest, match[1]
    else:
        separator = max(SEPARATORS, key=re.split(r"[\r\n]", text, maxsplit=1)[0].count)
    try:
        rows = [cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(cells)]
    except csv.Error as error:
        raise DataError(f"{path.name} is not a readable CSV table; save it as CSV (UTF-8) again.") from error
    if not rows:
        raise DataError(f"{path.name} is not a readable CSV table: it is empty.")
    return _framed(rows, path.name)


def _decoded(data: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), "")
    if not encoding and 3 * data[:200].count(0) > len(data[:200]):  # UTF-16 without its mark: every other byte is 0
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    for tried in (encoding,) if encoding else ("utf-8", "cp1252", "latin-1"):
        try:
            return data.decode(tried)
        except UnicodeDecodeError:
            continue
    raise DataError(f"{name} is not readable as {encoding} text; save it as CSV (UTF-8) again.")


def _framed(rows: list[list[str]], name: str) -> Table:
    header = [column.strip() for column in rows[0]]
    width = len(header)
    for cells in rows[1:]:
        if any(cells[width:]):
            start = ", ".join(cells[:3])
            raise DataError(
                f"{name} has a row of {len(cells)} cells under {width} columns ({start}, ...); put cells that hold the "
                "separator in quotation marks."
            )
    if repeated := sorted({column for column in header if column and header.count(column) > 1}):
        raise DataError(f"{name} has several columns called {', '.join(repeated)}; give each its own name.")
    columns = {column: place for place, column in enumerate(header) if column}
    filled = ({column: cells[at] if at < len(cells) else "" for column, at in columns.items()} for cells in rows[1:])
    return Table(name, tuple(columns), tuple(filled))
