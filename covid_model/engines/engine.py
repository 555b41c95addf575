"""Engines: they map batches of addresses through workers, each with a model of its own, and yield their rows."""

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from covid_model.api.model import Model
from covid_model.backends.base import Progress
from covid_model.engines.work import ImageFunction, Row, Work, name_of
from covid_model.engines.worker import ImageWorker
from covid_model.errors import CovidModelError, DataError
from covid_model.images.read import load_image
from covid_model.settings import MODELS, models_folder
from covid_model.threads import CORES, in_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Batches = Sequence[Sequence[str]]
FoundOn = Callable[[Model, ImageFunction, Iterable[str], Mapping[str, Any] | None], Iterator[tuple[str, Row]]]
"""`found_on` as it is, or with an engine and workers chosen."""

BATCHES: Final = 1000
"""About so many batches, so that handing them out costs little."""
LEAST: Final = 8
MOST: Final = 128
"""Images of a batch; what is lost with a machine is done again by the batch."""


class Engine(Protocol):
    """workers: how many; None for one a core. Yields the rows of each batch, of batches in any order.

    It takes batches as fast as the caller takes rows. Raises what workers raise, and DataError where it cannot begin.
    """

    def __call__(self, work: Work, batches: Batches, workers: int | None = None) -> Iterator[list[Row]]: ...


def local(work: Work, batches: Batches, workers: int | None = None) -> Iterator[list[Row]]:
    """Processes of this machine."""
    count = workers or CORES
    every = [ImageWorker(work) for _ in range(count)]
    idle: LifoQueue[ImageWorker] = LifoQueue()
    for worker in every:
        idle.put(worker)

    def rows(batch: Sequence[str], progress: Progress) -> list[Row]:
        worker = idle.get()
        try:
            return worker(batch, progress)
        finally:
            idle.put(worker)

    try:
        yield from in_order(rows, batches, 2 * count)  # twice, so that a slow batch does not keep other workers waiting
    finally:
        for worker in every:
            worker.close()


class RayWorker:
    """A worker as Ray Data calls it: a block with one batch of addresses -> one cell with its rows as JSON."""

    def __init__(self, work: Work) -> None:
        self._worker = ImageWorker(work)

    def __call__(self, block: "dict[str, NDArray[np.generic]]") -> dict[str, list[str]]:
        return {"rows": [json.dumps(self._worker([str(address) for address in block["address"]]))]}


def on_ray(work: Work, batches: Batches, workers: int | None = None) -> Iterator[list[Row]]:
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
        yield from _ray_rows(work, [pa.table({"address": list(batch)}) for batch in batches], workers)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, CovidModelError):
            raise cause from None
        raise DataError(f"Ray gave up ({type(error).__name__}); its log is in /tmp/ray; run the command again.") from error
    finally:
        if began:
            ray.shutdown()


def _ray_rows(work: Work, blocks: list[Any], workers: int | None) -> Iterator[list[Row]]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_arrow

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    DataContext.get_current().enable_progress_bars = False
    count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    found = from_arrow(blocks).map_batches(
        RayWorker,
        fn_constructor_args=(work,),
        batch_size=None,  # a block, which is a batch: what a lost actor does again
        compute=ActorPoolStrategy(size=min(count, len(blocks)), max_tasks_in_flight_per_actor=2),
        num_cpus=1,
    )
    for cell in found.iter_rows():
        yield json.loads(cell["rows"])


ENGINES: Final[Mapping[str, Engine]] = {"local": local, "ray": on_ray}


def batches(addresses: list[str]) -> list[list[str]]:
    """The addresses in batches, in their order.

    >>> [len(batch) for batch in batches(["a.png"] * 20)]
    [8, 8, 4]
    """
    size = min(MOST, max(LEAST, len(addresses) // BATCHES))
    return [addresses[start : start + size] for start in range(0, len(addresses), size)]


def found_on(
    model: Model,
    function: ImageFunction,
    paths: Iterable[str],
    settings: Mapping[str, Any] | None = None,
    engine: str | None = None,
    workers: int | None = None,
) -> Iterator[tuple[str, Row]]:
    """Each path with what the function, at the top of a module, finds on its image with the settings, as it is found.

    engine: a key of ENGINES, and workers as for it; None for threads of this process and the model as it is here. Raises
    DataError at the first image that cannot be worked on.
    """
    each = list(dict.fromkeys(paths))
    if engine is None:
        rows = _here(model, function, each, settings or {})
    else:
        work = Work(model.key, model.classifier.weights_digest, name_of(function), settings or {})
        rows = ((row.pop("address"), row) for some in ENGINES[engine](work, batches(each), workers) for row in some)
    for address, row in rows:
        if error := row.get("error"):
            raise DataError(f"{address} cannot be used: {error}")
        yield address, row


def _here(model: Model, function: ImageFunction, paths: list[str], settings: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    """Each path with its row, in order, on threads of this process."""

    def one(path: str, progress: Progress) -> Row:
        try:
            return function(model, load_image(Path(path)), settings, progress)
        except CovidModelError as error:
            return {"error": str(error)}

    return zip(paths, in_order(one, paths), strict=True)


def in_chunks(found: Iterator[tuple[str, Row]], chunks: Sequence[Sequence[str]]) -> Iterator[list[Row]]:
    """The rows of each chunk of paths, in its order, as soon as all of them are there. found: as `found_on` gives them.

    >>> list(in_chunks(iter([("b", {"n": 2}), ("a", {"n": 1})]), [["a"], ["b"]]))
    [[{'n': 1}], [{'n': 2}]]
    """
    waiting: dict[str, Row] = {}
    last = {path: number for number, chunk in enumerate(chunks) for path in chunk}
    for number, chunk in enumerate(chunks):
        while not waiting.keys() >= set(chunk):
            path, row = next(found)
            waiting[path] = row
        yield [waiting[path] for path in chunk]
        for path in set(chunk):
            if last[path] == number:
                del waiting[path]
