"""What visitors of the dashboard take from each other: a click and the server's health while trust tests run.

    python -m benchmarks.visitors [--clicks 40] [--limit 180] [--out benchmarks/results/visitors.json]

On a fresh server, by `client.Session`, which ticks as the live parts of a page do: clicks of one visitor between two classes
seen before while another visitor's tests are the server's first, for which TensorFlow starts and the model is compiled, then
alone, then while tests run as they do ever after; the health answer with nobody there and with two trust panels at
work, and when each has its verdict; the server's processor share before and after both have left. Linux only.
"""

import argparse
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Final

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.client import CLASS, Session
from benchmarks.server import Server, served
from benchmarks.surroundings import Row, arguments_of, finish, machine, timed

PAGE: Final = "streamlit_app.py"
TURNS: Final = ("Normal", "Pneumonia")
"""Classes that the model finds unlikely for the first image: no tests of their own run after these clicks."""
BESIDE: Final = "image=covid-19-2&model=whole-image&method=hirescam"
LONG: Final = "image=covid-19-4&model=whole-image&method=rise"
"""Its tests take longer than all clicks."""
PANELS: Final = ("image=covid-19-1&model=whole-image&method=hirescam", "image=covid-19-4&model=resnet50&method=hirescam")
"""Heatmaps that are not precomputed."""
VERDICT: Final = re.compile(rb"badge\[[^\]]*(Supported|Not supported|Withheld)")
PAUSE: Final = 0.1


class Visitor(Session):
    """A session that keeps the live parts of its page going until it leaves, as a browser does.

    verdict: seconds from the visit to the first verdict, None before it.
    """

    def __init__(self, address: str, query: str) -> None:
        self._start = time.perf_counter()
        self.verdict: float | None = None
        self._due: dict[str, tuple[float, float]] = {}
        self._left = threading.Event()
        super().__init__(address, query)

    def stay(self) -> None:
        """Send what the live parts of the page ask for, until `leave`."""
        while not self._left.is_set():
            self.turn()
        self.close()

    def turn(self) -> None:
        """Ask for the live parts that are due, and read one message if it comes soon."""
        now = time.perf_counter()
        for part, (interval, due) in self._due.items():
            if due <= now:
                self._due[part] = (interval, now + interval)
                self._ask(part, timer=True)
        with suppress(TimeoutError):
            self._next(PAUSE)

    def leave(self) -> None:
        """Close the page."""
        self._left.set()

    def _note(self, message: ForwardMsg) -> None:
        super()._note(message)
        if message.HasField("auto_rerun"):
            interval = message.auto_rerun.interval
            self._due[message.auto_rerun.fragment_id] = (interval, time.perf_counter() + interval)
        for part in message.stop_auto_rerun.fragment_ids:
            self._due.pop(part, None)
        if self.verdict is None and VERDICT.search(message.SerializeToString()):
            self.verdict = time.perf_counter() - self._start


@contextmanager
def visited(server: Server, *queries: str) -> Iterator[list[Visitor]]:
    """Visitors of these links, each on a thread; they leave with the block."""
    visitors: list[Visitor] = []

    def visit(query: str) -> None:
        visitor = Visitor(server.address, query)
        visitors.append(visitor)
        visitor.stay()

    threads = [threading.Thread(target=visit, args=(query,)) for query in queries]
    for thread in threads:
        thread.start()
    try:
        yield visitors
    finally:
        for visitor in visitors:
            visitor.leave()
        for thread in threads:
            thread.join()


def percentiles(seconds: list[float]) -> Row:
    """Median, 95th percentile and slowest."""
    cuts = quantiles(seconds, n=20)
    return {"p50_s": cuts[9], "p95_s": cuts[18], "max_s": max(seconds), "answers": len(seconds)}


def health(server: Server) -> float:
    """Seconds until the server says that it is well."""

    def ask() -> None:
        with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=60) as answer:
            answer.read()

    time.sleep(PAUSE)
    return timed(ask)


def clicks(session: Session, count: int) -> list[float]:
    """Seconds of each of `count` clicks, with a pause between them."""
    found = []
    for number in range(count):
        time.sleep(5 * PAUSE)
        found.append(session.choose(CLASS, TURNS[number % len(TURNS)]))
    return found


def beside(server: Server, clicker: Session, count: int, link: str) -> Row:
    """Clicks while the tests of another visitor's link run, and when it has its verdict."""
    with visited(server, link) as others:
        while not others:
            time.sleep(PAUSE)
        found = percentiles(clicks(clicker, count)) | {"verdict of the other after s": others[0].verdict}
    server.wait_until_quiet()
    return found


def measure(server: Server, count: int, limit: float) -> Row:
    """All figures of one fresh server."""
    found: Row = {"health": {"nobody there": percentiles([health(server) for _ in range(count)])}}
    clicker = Session(server.address)
    clicks(clicker, len(TURNS))
    server.wait_until_quiet()
    found["click"] = {"while the first tests run": beside(server, clicker, count, BESIDE)}
    # Once TensorFlow is there, as it is while tests run: garbage collection after each run of a page takes longer with it.
    found["click"]["alone"] = percentiles(clicks(clicker, count))
    found["click"]["while tests run"] = beside(server, clicker, count, LONG)
    clicker.close()
    answers: list[float] = []
    start = time.perf_counter()
    with visited(server, *PANELS) as visitors:
        while time.perf_counter() - start < limit and not (
            len(visitors) == len(PANELS) and all(visitor.verdict for visitor in visitors)
        ):
            answers.append(health(server))
        found["verdicts after s"] = [visitor.verdict for visitor in visitors]
    found["health"]["two trust panels"] = percentiles(answers)
    with visited(server, BESIDE.replace("hirescam", "scorecam")):
        time.sleep(10)
    time.sleep(1)
    found["after all have left"] = server.idle(10)
    return found


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="clicks and health answers while trust tests run")
    parser.add_argument("--clicks", type=int, default=40, help="of each kind, default: %(default)s")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds to wait for verdicts, default: %(default)s")
    arguments = arguments_of(parser, "visitors")
    with TemporaryDirectory() as folder, served(PAGE, Path(folder)) as server:
        return finish({**machine(), **measure(server, arguments.clicks, arguments.limit)}, arguments.out)


if __name__ == "__main__":
    raise SystemExit(main())
