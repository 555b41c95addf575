"""Progress of long work: a bar on a terminal, and lines in a log that the dashboard reads."""

import re
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Final, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

EVERY: Final = 1.0
"""Seconds between two lines in a log."""
_LINE: Final = re.compile(r"^progress: (.+): (\d+) of (\d+)$", re.MULTILINE)


class ProgressLog:
    """Counts items on standard error. what: is being done to them, such as "measuring"."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done, self._said = what, total, 0, 0.0
        self._bar = tqdm(total=total, desc=what, unit="image", disable=None)

    def at(self, done: int) -> None:
        """`done` items are finished."""
        self._bar.update(done - self._done)
        self._done = done
        now = time.monotonic()
        if self._bar.disable and (now - self._said >= EVERY or done == self._total):
            self._said = now
            print(f"progress: {self._what}: {done} of {self._total}", file=sys.stderr, flush=True)

    @property
    def done(self) -> int:
        """How many items are finished."""
        return self._done

    def add(self, count: int = 1) -> None:
        """`count` more items are finished."""
        self.at(self._done + count)

    def counted(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items, each counted once it is asked for and there."""
        for item in items:
            self.add()
            yield item

    def __enter__(self) -> "ProgressLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()


def last_progress(log: str) -> tuple[str, int, int] | None:
    """(what, items finished, all items) of the last line of progress in a log, or None.

    >>> last_progress("progress: drawing: 1 of 9\\nprogress: drawing: 4 of 9\\n")
    ('drawing', 4, 9)
    """
    found = _LINE.findall(log)
    return (found[-1][0], int(found[-1][1]), int(found[-1][2])) if found else None
