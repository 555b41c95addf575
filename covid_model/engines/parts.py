"""What is found on the images of a table, in files of some images each, so that an interrupted call continues."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pandas as pd

from covid_model.engines.engine import in_chunks
from covid_model.engines.work import Row
from covid_model.progress import ProgressLog

Find = Callable[[list[str]], Iterator[tuple[str, Row]]]
"""Paths -> each path with its row, in any order."""


def finished_parts(
    find: Find, table: pd.DataFrame, pattern: Path, of: str, write: Callable[[Path, list[Row]], None], what: str, every: int
) -> list[Path]:
    """The files of all parts of a table with columns path and digest, in its order; the missing ones are made and written.

    pattern: the files, with "*" for a digest. of: what else than the images they depend on. write: writes the rows of a part
    whole or not at all. what: is done, for the progress. every: images of a part; an interruption loses at most the work on
    these. Raises what `find` and `write` raise.
    """
    pattern.parent.mkdir(parents=True, exist_ok=True)
    chunks = [table.iloc[start : start + every] for start in range(0, len(table), every)]
    digests = [sha256("".join([of, *chunk["digest"]]).encode()).hexdigest()[:32] for chunk in chunks]
    files = [pattern.with_name(pattern.name.replace("*", digest)) for digest in digests]
    missing = {path: list(chunk["path"]) for path, chunk in zip(files, chunks, strict=True) if not path.is_file()}
    wanted = list(missing.values())
    with ProgressLog(what, len(table)) as log:
        log.add(len(table) - sum(map(len, wanted)))
        found = log.counted(find([path for some in wanted for path in some]))
        for path, rows in zip(missing, in_chunks(found, wanted), strict=True):
            write(path, rows)
    return files
