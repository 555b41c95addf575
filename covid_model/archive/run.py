"""Explain an archive: addresses -> batches -> an engine -> the output, without what is there already."""

from dataclasses import dataclass
from pathlib import Path

from covid_model.archive.table import opened
from covid_model.archive.task import Task
from covid_model.engines.addresses import addresses_of
from covid_model.engines.engine import ENGINES, batches
from covid_model.progress import ProgressLog
from covid_model.share.batch import Job


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
            for rows in ENGINES[engine](task.work, batches(left), workers) if left else ():
                table.add([task.stamped(row) for row in rows])
                wrong = sum(row.get("error") is not None for row in rows)
                explained, failed = explained + len(rows) - wrong, failed + wrong
                shown.add(len(rows))
    return Counts(len(addresses) - len(left), explained, failed)
