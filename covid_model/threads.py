"""Several items in flight on threads, and their results in order."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

from covid_model.backends.base import Progress

Item = TypeVar("Item")
Found = TypeVar("Found")

CORES: Final = os.cpu_count() or 1
IN_FLIGHT: Final = min(8, CORES + 1)
"""Items worked on at once: one a core, and one that waits for its file to be decoded. Each holds its image and maps."""


class StoppedError(Exception):
    """Ends work whose result nobody waits for any more."""


def in_order(work: Callable[[Item, Progress], Found], items: Iterable[Item], most: int = IN_FLIGHT) -> Iterator[Found]:
    """`work(item, progress)` for every item, in the items' order, made as the results are asked for.

    work: runs on a thread; long work calls `progress` between its parts, which raises StoppedError once the caller has gone.
    items: taken in the caller's thread, at most `most` ahead of the results. What `work` raises is raised in its place. When
    the caller stops, by an exception or by closing the iterator, work that has begun ends at its next call of `progress`.

    Example:
        >>> list(in_order(lambda number, progress: number**2, range(4)))
        [0, 1, 4, 9]
    """
    gone, waiting, rest = threading.Event(), deque[Future[Found]](), iter(items)

    def progress(_: float) -> None:
        if gone.is_set():
            raise StoppedError

    pool = ThreadPoolExecutor(most, thread_name_prefix="in-order")
    try:
        waiting.extend(pool.submit(work, item, progress) for item in islice(rest, most))
        while waiting:
            found = waiting.popleft().result()
            waiting.extend(pool.submit(work, item, progress) for item in islice(rest, 1))
            yield found
    finally:
        gone.set()
        pool.shutdown(cancel_futures=True)
