"""Engines: they map batches of addresses through workers, each with a model of its own, and yield their rows."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from covid_model.archive.task import Row, Task
from covid_model.archive.worker import ArchiveWorker
from covid_model.backends.base import Progress
from covid_model.errors import CovidModelError, DataError
from covid_model.settings import MODELS, models_folder
from covid_model.threads import CORES, in_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Batches = Sequence[Sequence[str]]


class Engine(Protocol):
    """workers: how many; None for one a core. Yields the rows of each batch, of batches in any order.

    It takes batches as fast as the caller takes rows. Raises what workers raise, and DataError where it cannot begin.
    """

    def __call__(self, task: Task, batches: Batches, workers: int | None = None) -> Iterator[list[Row]]: ...


def local(task: Task, batches: Batches, workers: int | None = None) -> Iterator[list[Row]]:
    """Processes of this machine."""
    count = workers or CORES
    every = [ArchiveWorker(task) for _ in range(count)]
    idle: LifoQueue[ArchiveWorker] = LifoQueue()
    for worker in every:
        idle.put(worker)

    def work(batch: Sequence[str], progress: Progress) -> list[Row]:
        worker = idle.get()
        try:
            return worker(batch, progress)
        finally:
            idle.put(worker)

    try:
        yield from in_order(work, batches, 2 * count)  # twice, so that a slow batch does not keep other workers waiting
    finally:
        for worker in every:
            worker.close()


class RayWorker:
    """A worker as Ray Data calls it: a block with one batch of addresses -> one cell with its rows as JSON."""

    def __init__(self, task: Task) -> None:
        self._worker = ArchiveWorker(task)

    def __call__(self, block: "dict[str, NDArray[np.generic]]") -> dict[str, list[str]]:
        return {"rows": [json.dumps(self._worker([str(address) for address in block["address"]]))]}


def on_ray(task: Task, batches: Batches, workers: int | None = None) -> Iterator[list[Row]]:
    """Actors of a Ray cluster: the one that RAY_ADDRESS or this machine's Ray names, else one of this machine alone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to Ray's makers
    try:
        import pyarrow as pa
        import ray
    except ImportError:
        raise DataError("Ray is not installed; `pip install -r requirements-ray.txt` adds it.") from None
    began = not ray.is_initialized()
    if began:
        settings = {"env_vars": {MODELS.variable: str(models_folder().absolute())}}
        ray.init(log_to_driver=False, logging_level="ERROR", runtime_env=settings)
    try:
        yield from _ray_rows(task, [pa.table({"address": list(batch)}) for batch in batches], workers)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, CovidModelError):
            raise cause from None
        raise DataError(f"Ray gave up ({type(error).__name__}); its log is in /tmp/ray; run the command again.") from error
    finally:
        if began:
            ray.shutdown()


def _ray_rows(task: Task, blocks: list[Any], workers: int | None) -> Iterator[list[Row]]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_arrow

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    DataContext.get_current().enable_progress_bars = False
    count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    found = from_arrow(blocks).map_batches(
        RayWorker,
        fn_constructor_args=(task,),
        batch_size=None,  # a block, which is a batch: what a lost actor does again
        compute=ActorPoolStrategy(size=min(count, len(blocks)), max_tasks_in_flight_per_actor=2),
        num_cpus=1,
    )
    for cell in found.iter_rows():
        yield json.loads(cell["rows"])


ENGINES: Final[Mapping[str, Engine]] = {"local": local, "ray": on_ray}
