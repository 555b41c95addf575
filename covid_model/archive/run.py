"""Explain an archive: addresses -> batches -> an engine -> the output, without what is there already."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from covid_model.archive.addresses import addresses_of
from covid_model.archive.engines import ENGINES
from covid_model.archive.table import opened
from covid_model.archive.task import Task
from covid_model.progress import ProgressLog
from covid_model.share.batch import Job

BATCHES: Final = 1000
"""About so many batches, so that handing them out costs little."""
LEAST: Final = 8
MOST: Final = 128
"""Images of a batch; what is lost with a machine is done again by the batch."""


@dataclass(frozen=True)
class Counts:
    """Images of one run. before: with a row already. explained: now. failed: now, with an error in their row."""

    before: int
    explained: int
    failed: int


def explain_archive(
    source: str,
    job: Job,
    out: Path,
    *,
    model: str,
    engine: str = "local",
    workers: int | None = None,
    heatmaps: bool = False,
) -> Counts:
    """Write one row for each image of `source` to Parquet files in `out`/table; those with a row without an error are done.

    source: as in `addresses.addresses_of`. model: its key. engine: a key of ENGINES. workers: by default one a core.
    heatmaps: also save maps and overlays below `out`/heatmaps. Raises DataError, ModelError, ExplainError, and OSError where
    nothing can be written.
    """
    task = Task.of(model, job, out / "heatmaps" if heatmaps else None)
    addresses = addresses_of(source)
    with opened(out, task) as table:
        left = [address for address in addresses if address not in table.done]
        explained = failed = 0
        with ProgressLog("explaining", len(left)) as shown:
            for rows in ENGINES[engine](task, batches(left), workers) if left else ():
                table.add(rows)
                wrong = sum(row.get("error") is not None for row in rows)
                explained, failed = explained + len(rows) - wrong, failed + wrong
                shown.add(len(rows))
    return Counts(len(addresses) - len(left), explained, failed)


def batches(addresses: list[str]) -> list[list[str]]:
    """The addresses in batches, in their order.

    >>> [len(batch) for batch in batches(["a.png"] * 20)]
    [8, 8, 4]
    """
    size = min(MOST, max(LEAST, len(addresses) // BATCHES))
    return [addresses[start : start + size] for start in range(0, len(addresses), size)]
