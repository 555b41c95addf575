"""Several items in flight on threads, and their results in order; threads that stand back."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, TypeVar

from covid_model.backends.base import Progress

Item = TypeVar("Item")
Found = TypeVar("Found")

CORES: Final = os.cpu_count() or 1
IN_FLIGHT: Final = min(8, CORES + 1)
"""Items worked on at once: one a core, and one that waits for its file to be decoded. Each holds its image and maps."""


BEHIND: Final = 19
"""Niceness of a thread that stands back: hardly any of a core that another thread wants, all of one that nobody wants."""


def stand_back() -> None:
    """Let other threads have the cores before the calling one, and before those it starts. Linux only; elsewhere no effect.

    Of the two threads of a pass, the one that asked for it also computes: where it stands back, one core is free for others.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND)


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


class _Blas:
    """The threads of NumPy's linear algebra, which belong to the whole process. users: how many want it on one thread."""

    def __init__(self) -> None:
        self.lock, self.users = threading.Lock(), 0
        self.limit: Any = None


_BLAS: Final = _Blas()


@contextmanager
def blas_on_one_thread() -> Iterator[None]:
    """NumPy's linear algebra on one thread, for work that `in_order` spreads over the cores itself.

    Two pools of threads on the same cores wait for each other: six means under 2,000 draws of 80,000 images took 18 s of
    processor time instead of 2 s.
    """
    from threadpoolctl import threadpool_limits

    with _BLAS.lock:
        _BLAS.users += 1
        if _BLAS.users == 1:
            _BLAS.limit = threadpool_limits(1, user_api="blas")
    try:
        yield
    finally:
        with _BLAS.lock:
            _BLAS.users -= 1
            if not _BLAS.users:
                _BLAS.limit.restore_original_limits()
