"""What a user of the running dashboard waits for, and what it occupies, beside a Streamlit page of the usual shape.

    python -m benchmarks.app [--repeat 10] [--idle 30] [--out benchmarks/results/app.json]

Both servers are fresh and started alike (`server.served`), one after the other. In headless Chromium: the first picture of a
server that has come to rest and of one that was started this moment, and the trust panel until its verdict. By
`client.Session`: what the server needs for an upload and for another class, and, on one more fresh server, its memory at the
moment of the first answer, before the trust tests ask for TensorFlow. Processor time and memory are those of the server with
all it has started. Needs Chromium and playwright; Linux only.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Page

from benchmarks import browser
from benchmarks.client import CLASS, UPLOADER, Session
from benchmarks.images import noisy_samples
from benchmarks.server import Server, served
from benchmarks.surroundings import Row, arguments_of, finish, machine, spread, timed
from covid_model import load_model, read_image
from covid_model.trust.verdict import withheld

PAGE: Final = "streamlit_app.py"
NAIVE: Final = "benchmarks/naive_page.py"
SIDE: Final = 2000
SETTLE: Final = 5.0
"""Seconds between the last work and the start of an idle time."""


def measured(server: Server, act: Callable[[], float]) -> Row:
    """Seconds that `act` says, and the server's processor seconds meanwhile."""
    before = server.processor_s()
    return {"seconds": act(), "processor_s": server.processor_s() - before}


def from_command(script: str, folder: Path) -> Row:
    """Seconds from the command that starts a server to the first picture of a visitor who is there once it answers."""
    with browser.opened() as page:
        start = time.perf_counter()
        with served(script, folder, quiet=False) as server:
            visit_s = browser.first_picture(page, server.address)
            return {"seconds": time.perf_counter() - start, "since_first_answer_s": visit_s}


def first_answer(script: str, query: str, folder: Path) -> Row:
    """What a fresh server needs for the first heatmap, without a browser on its cores, and its memory right then."""
    with served(script, folder) as server:
        sessions: list[Session] = []
        found = measured(server, lambda: timed(lambda: sessions.append(Session(server.address, query))))
        found["memory_mb"] = server.memory_mb()
        sessions[0].close()
    return found


def trust_panel(server: Server, page: Page) -> Row:
    """From the heatmap on the screen to its verdict (verdict_s) and to the last trust test."""
    verdict_s: list[float] = []

    def act() -> float:
        verdict_s.append(browser.until_verdict(page))
        return verdict_s[0] + browser.until_all_tests(page)

    return {**measured(server, act), "verdict_s": verdict_s[0]}


def visit(server: Server, idle: float, tests: dict[str, Path]) -> Row:
    """What the screen of a fresh server shows and when; `tests`: images to upload, by title."""
    found: Row = {"memory_mb": {"started": server.memory_mb()}}
    with browser.opened() as page:
        found["first_picture"] = measured(server, lambda: browser.first_picture(page, server.address))
        found["first_picture"]["processor_with_start_s"] = server.processor_s()
        found["memory_mb"]["first heatmap"] = server.memory_mb()
        for title, image in tests.items():
            browser.upload(page, image)
            found[title] = trust_panel(server, page)
        if tests:
            found["memory_mb"]["all trust tests"] = server.memory_mb()
        time.sleep(SETTLE)
        found["idle"] = server.idle(idle)
    found["log_lines_all"] = server.log_lines()
    return found


def clicks(server: Server, images: list[Path], query: str) -> Row:
    """Server time of uploads never seen before, each followed by two other classes: one new, and one seen in the upload."""
    server.wait_until_quiet()
    session = Session(server.address, query)
    turns: dict[str, list[Row]] = {"upload": [], "another class": [], "class seen before": []}
    for image in images:
        name, data = image.name, image.read_bytes()
        acts: dict[str, Callable[[], float]] = {
            "upload": lambda name=name, data=data: session.upload(UPLOADER, name, data),  # type: ignore[misc]
            "another class": lambda: session.choose(CLASS, "Pneumonia"),
            "class seen before": lambda: session.choose(CLASS, "COVID-19"),
        }
        for kind, act in acts.items():
            turns[kind].append(measured(server, act))
    session.close()
    return {
        kind: {
            **spread(row["seconds"] for row in rows[1:]),
            "processor_median_s": median(row["processor_s"] for row in rows[1:]),
        }
        for kind, rows in turns.items()
    }


def tested(files: Iterable[Path]) -> Iterator[Path]:
    """Those of the images whose verdict rests on the trust tests: of others it is withheld before any has run."""
    model = load_model()
    return (file for file in files if withheld(model.explain(read_image(file)).inputs) is None)


def measure(script: str, query: str, repeat: int, idle: float) -> Row:
    """All figures of one fresh server. query: of the link that the clicks start from."""
    ours = script == PAGE
    with TemporaryDirectory() as name:
        folder = Path(name)
        images = noisy_samples(folder / "large", repeat + 2, SIDE)
        tests: dict[str, Path] = {}
        if ours:
            small, large = tested(noisy_samples(folder / "small", 12)), tested(images)
            tests = {"trust_panel_cold": next(small), "trust_panel": next(small), "trust_panel_large": next(large)}
        command, first = from_command(script, folder), first_answer(script, query, folder)
        with served(script, folder) as server:
            found = {"from_command": command, "first_answer": first, **visit(server, idle, tests)}
            found["clicks"] = clicks(server, [image for image in images if image not in tests.values()], query)
            found["memory_mb"]["after all uploads"] = server.memory_mb()
    return found


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="waiting times, processor time and memory of the running dashboard")
    parser.add_argument("--repeat", type=int, default=10, help="clicks of each kind, default: %(default)s")
    parser.add_argument("--idle", type=float, default=30.0, help="idle seconds, default: %(default)s")
    arguments = arguments_of(parser, "app")
    report = {**machine(), "repeat": arguments.repeat, "pixels": [SIDE, SIDE]}
    # The trust tests of an upload start once the clicks pause, so these are clicks of a visitor who does not wait for them.
    # benchmarks.visitors times clicks while tests run.
    report["dashboard"] = measure(PAGE, "panel=Export", arguments.repeat, arguments.idle)
    report["naive page"] = measure(NAIVE, "", arguments.repeat, arguments.idle)
    return finish(report, arguments.out)


if __name__ == "__main__":
    raise SystemExit(main())
