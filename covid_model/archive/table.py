"""The output of an archive: Parquet files with one row an image in the folder `table` of the output, each file whole."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from covid_model.archive.task import Task
from covid_model.engines.work import Row
from covid_model.errors import DataError
from covid_model.files import write_json, written_whole

RECORD: Final = "archive.json"
TABLE: Final = "table"
"""Holds nothing but whole Parquet files, so that every reader of Parquet takes it as one table."""
EVERY_S: Final = 60.0
"""Seconds between two files: an interruption loses at most the work of these."""
MOST_ROWS: Final = 20_000


class ArchiveTable:
    """Rows on their way to the output in `out`. done: addresses that have a row without an error there."""

    def __init__(self, out: Path, schema: pa.Schema) -> None:
        self._out, self._schema = out, schema
        self._rows: list[Row] = []
        self._written = time.monotonic()
        (out / TABLE).mkdir(exist_ok=True)
        parts = sorted((out / TABLE).glob("part-*.parquet"))
        self._next = 1 + max((int(path.stem.removeprefix("part-")) for path in parts), default=-1)
        self.done = {address for path in parts for address in self._kept(path)}

    def add(self, rows: Sequence[Row]) -> None:
        """Keep rows, and write a file where it is time to."""
        self._rows += rows
        if len(self._rows) >= MOST_ROWS or time.monotonic() - self._written >= EVERY_S:
            self.write()

    def write(self) -> None:
        """Write the rows that no file has."""
        if self._rows:
            columns = {name: [row.get(name) for row in self._rows] for name in self._schema.names}
            self._put(pa.table(columns, self._schema), self._out / TABLE / f"part-{self._next:06d}.parquet")
            self._next, self._rows = self._next + 1, []
        self._written = time.monotonic()

    def _put(self, table: pa.Table, path: Path) -> None:
        whole = self._out / path.name  # where no reader looks, should the machine stop here
        with written_whole(whole) as partial:
            pq.write_table(table, partial)
        whole.replace(path)

    def _kept(self, path: Path) -> list[str]:
        """Addresses of a file's rows; those with an error are removed from it first, since they are tried again."""
        table = pq.read_table(path, columns=["address", "error"])
        good = table["error"].is_null()
        if table["error"].null_count < len(table):
            self._put(pq.read_table(path).filter(good), path)
        return [str(address) for address in table["address"].filter(good).to_pylist()]


@contextmanager
def opened(out: Path, task: Task) -> Iterator[ArchiveTable]:
    """The output in `out`, new or to be continued, for this process alone; what is left is written at the end.

    Raises DataError where another process writes to it, where it belongs to another task, and where a file is damaged.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / f"{RECORD}.lock", timeout=0):
            _claim(out, task)
            try:
                table = ArchiveTable(out, task.schema())
            except (ValueError, KeyError) as error:  # PyArrow's errors of formats
                raise DataError(f"{out / TABLE} holds a damaged file or one of another program; remove it.") from error
            try:
                yield table
            finally:
                table.write()
    except Timeout:
        raise DataError(f"Another run writes to {out}; wait for its end or choose another folder.") from None


def _claim(out: Path, task: Task) -> None:
    """Write what the output is of. Raises DataError where it is of something else."""
    record: dict[str, Any] = {
        "model": task.model,
        "method_digest": task.method_digest,
        "heatmaps": task.heatmaps is not None,
        **task.job.settings(task.model_digest),
    }
    path = out / RECORD
    if not path.exists():
        write_json(path, record)
        return
    found = json.loads(path.read_text("utf-8"))
    if differing := sorted(name for name in record if found.get(name) != record[name] and name != "method_digest"):
        raise DataError(f"{out} holds rows with other settings ({', '.join(differing)}); choose another folder.")
