"""Queries of a manifest that is not loaded into memory: counts, pages and groups by DuckDB from the Parquet file."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from covid_model.data.filters import FILTERS, SORTS, Query, condition
from covid_model.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MEMORY: Final = "256MB"
"""Memory limit of DuckDB; larger sorts use the disk."""
BATCH: Final = 50_000
"""Rows fetched at once where all are needed."""
EVERYTHING: Final = Query()
NEEDED: Final = ("path", "source", "label", "split", "digest")


class ManifestTable:
    """The images of one manifest. Threads may share it: every query has its own cursor."""

    def __init__(self, path: Path) -> None:
        """Raises DataError for a file that is absent, not Parquet, or lacks a column every manifest has."""
        if not path.is_file():
            raise DataError(f"No manifest at {path}; make one with `python -m covid_model data build`.")
        self.path = path
        import duckdb

        self._connection = duckdb.connect(config={"memory_limit": MEMORY})
        literal = str(path).replace("'", "''")
        self.ask(f"CREATE VIEW images AS SELECT * FROM read_parquet('{literal}', file_row_number = true)")
        self.columns: tuple[str, ...] = tuple(self.ask("SELECT * FROM images LIMIT 0").columns)
        if missing := [column for column in NEEDED if column not in self.columns]:
            raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; build it again with `data build`.")

    def ask(self, sql: str, values: list[object] | None = None) -> "pd.DataFrame":
        """The result of an SQL query on the view `images`, whose column `file_row_number` is an image's place.

        values: for the placeholders of `sql`. Raises DataError where the manifest cannot be read.
        """
        import duckdb

        try:
            return self._connection.cursor().execute(sql, values or []).df()
        except duckdb.Error as error:
            raise self._unreadable() from error

    def count(self, query: Query = EVERYTHING) -> int:
        """How many images match."""
        where, values = condition(query, self.columns)
        return int(self.ask(f"SELECT count(*) AS n FROM images WHERE {where}", values)["n"][0])

    def page(self, query: Query, offset: int, size: int) -> "pd.DataFrame":
        """`size` matching images from `offset` on, all columns, in the query's order and then the manifest's."""
        where, values = condition(query, self.columns)
        column = query.sort if query.sort in SORTS and query.sort in self.columns else ""
        order = f"{column} {'DESC' if query.descending else 'ASC'} NULLS LAST, " if column else ""
        rows = self.ask(
            f"SELECT file_row_number FROM images WHERE {where} ORDER BY {order}file_row_number LIMIT {size} OFFSET {offset}",
            values,
        )["file_row_number"].tolist()
        return self.rows(rows)

    def rows(self, numbers: list[int]) -> "pd.DataFrame":
        """The images at these places of the manifest, in this order."""
        if not numbers:
            return self.ask("SELECT * FROM images LIMIT 0")
        places = ", ".join(str(int(number)) for number in numbers)
        found = self.ask(f"SELECT * FROM images WHERE file_row_number IN ({places})").set_index("file_row_number")
        if len(found) < len(set(numbers)):
            raise DataError(f"{self.path} was replaced while it was open; load the page again.")
        return found.loc[numbers].reset_index()

    def find(self, digest: str) -> dict[str, Any] | None:
        """The image whose digest starts with `digest`, or None."""
        found = self.ask("SELECT * FROM images WHERE starts_with(digest, ?) LIMIT 1", [digest])
        return None if found.empty else dict(found.iloc[0])

    def facets(self, query: Query) -> dict[str, dict[str, int]]:
        """For each choice filter, value -> number of images with it under all other filters."""
        offered = {key: row for key, row in FILTERS.items() if row.kind == "choice" and row.needs in self.columns}
        free = {key: row.sql for key, row in offered.items() if not query.choices.get(key)}
        found = self._grouped(free, query)
        for key in offered.keys() - free.keys():
            found |= self._grouped({key: offered[key].sql}, query.without(key))
        return {key: found.get(key, {}) for key in offered}

    def _grouped(self, columns: dict[str, str], query: Query) -> dict[str, dict[str, int]]:
        """Counts by each of several expressions in one pass over the file."""
        if not columns:
            return {}
        where, values = condition(query, self.columns)
        named = ", ".join(f"{sql} AS {key}_" for key, sql in columns.items())
        names = ", ".join(f"{key}_" for key in columns)
        sets = ", ".join(f"({key}_)" for key in columns)
        table = self.ask(
            f"SELECT {names}, count(*) AS n, grouping({names}) AS g FROM (SELECT {named} FROM images WHERE {where}) "
            f"GROUP BY GROUPING SETS ({sets}) ORDER BY n DESC, {names}",  # the same order each time
            values,
        )
        found: dict[str, dict[str, int]] = {key: {} for key in columns}
        keys, width = list(columns), len(columns)
        for cells in table.itertuples(index=False):
            place = next(i for i in range(width) if not cells.g >> (width - 1 - i) & 1)
            found[keys[place]][str(cells[place])] = int(cells.n)
        return found

    def groups(self, by: list[str], query: Query = EVERYTHING) -> "pd.DataFrame":
        """Images by every combination of several choice filters: their columns and `images`."""
        where, values = condition(query, self.columns)
        named = ", ".join(f"{FILTERS[key].sql} AS {key}_" for key in by)
        keys = ", ".join(f"{key}_" for key in by)
        table = self.ask(
            f"SELECT {named}, count(*) AS images FROM images WHERE {where} GROUP BY {keys} ORDER BY {keys}", values
        )
        return table.rename(columns={f"{key}_": key for key in by})

    def head(self, columns: list[str], count: int) -> "pd.DataFrame":
        """Some columns of the first `count` images."""
        return self.ask(f"SELECT {', '.join(columns)} FROM images WHERE file_row_number < {count} ORDER BY file_row_number")

    def data_hash(self) -> str:
        """`data.manifest.data_hash` of this manifest, without its rows in memory at once."""
        import duckdb

        lines = "SELECT concat_ws(chr(9), digest, label, split) AS line FROM images ORDER BY line"
        digest, between = hashlib.sha256(), b""
        try:
            cursor = self._connection.cursor().execute(lines)
            while rows := cursor.fetchmany(BATCH):
                digest.update(between + "\n".join(line for (line,) in rows).encode())
                between = b"\n"
        except duckdb.Error as error:
            raise self._unreadable() from error
        return digest.hexdigest()

    def _unreadable(self) -> DataError:
        if not self.path.is_file():
            return DataError(f"{self.path} cannot be read: it was removed while it was open.")
        return DataError(f"{self.path} cannot be read as a manifest; build it again with `data build`.")

    def distinct(self, column: str) -> int:
        """How many different values a column has."""
        return int(self.ask(f"SELECT count(DISTINCT {column}) AS n FROM images")["n"][0])

    def spread(self, column: str, by: str, quantiles: tuple[float, ...]) -> dict[str, list[float]]:
        """Quantiles of a number by the values of a choice filter; values without any number are left out."""
        sql = FILTERS[by].sql
        number = f"try_cast({column} AS DOUBLE)"
        table = self.ask(
            f"SELECT {sql} AS value, quantile_cont({number}, {list(quantiles)}) AS q FROM images "
            f"WHERE {number} IS NOT NULL AND NOT isnan({number}) GROUP BY 1 ORDER BY 1"
        )
        return {str(row.value): [float(number) for number in row.q] for row in table.itertuples(index=False)}

    def points(self, key: str, most: int) -> "pd.DataFrame":
        """Place on the map (map_x, map_y), digest and value of a choice filter, for at most `most` evenly chosen images.

        Needs a measured manifest.
        """
        every = max(1, -(-self.count() // most))
        return self.ask(
            f"SELECT map_x, map_y, digest, {FILTERS[key].sql} AS value FROM images WHERE file_row_number % {every} = 0 "
            "AND map_x IS NOT NULL ORDER BY file_row_number"
        )
