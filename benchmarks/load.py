"""Many visitors at once on the real server: how long each step takes, whether anybody sees another's image, and memory.

    python -m benchmarks.load [--sessions 1 5 10 20] [--images 2] [--memory 500] [--out benchmarks/results/load.json]

Each session uploads images that nobody else has, explains them, changes the class, and stays until the verdict, all as
`client.Session` sends it. Every answer must name the image of its session by its digest. Then one session uploads `--memory`
images, and the server's memory is read after every tenth part of them. Linux only.
"""

import argparse
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.client import CLASS, UPLOADER
from benchmarks.images import noisy_samples
from benchmarks.server import Server, served
from benchmarks.surroundings import Row, arguments_of, finish, machine
from benchmarks.visitors import PAGE, PAUSE, Visitor, percentiles

OTHER: Final = "Pneumonia"
SHOWN: Final = re.compile(rb'"digest": "([0-9a-f]{64})"')
"""How the viewer's data name the image that an answer belongs to."""
LIMIT: Final = 300.0
"""Seconds after which a verdict counts as missing."""
STEADY: Final = 0.3
"""The share of the readings at the end that must agree with those before."""


class LoadSession(Visitor):
    """One visitor under load. shown: digests of the images that the answers named since `expect`."""

    def __init__(self, address: str) -> None:
        self.shown: set[str] = set()
        super().__init__(address, "")

    def expect(self) -> None:
        """Begin to look at the answers for one image."""
        self.shown, self.verdict = set(), None

    def until_verdict(self) -> float:
        """Seconds until the verdict on the image is there, the page's live parts kept going meanwhile."""
        start = time.perf_counter()
        while self.verdict is None:
            if time.perf_counter() - start > LIMIT:
                raise RuntimeError(f"No verdict within {LIMIT:.0f} s.")
            self.turn()
        return time.perf_counter() - start

    def _note(self, message: ForwardMsg) -> None:
        super()._note(message)
        self.shown |= {found.decode() for found in SHOWN.findall(message.SerializeToString())}


def visit(address: str, images: Sequence[Path], together: threading.Barrier) -> list[Row]:
    """Seconds of each step for each image, and whether an answer named an image of somebody else."""
    session, rows = LoadSession(address), []
    together.wait()
    for image in images:
        data = image.read_bytes()
        session.expect()
        row = {"upload": session.upload(UPLOADER, image.name, data)}
        row["another class"] = session.choose(CLASS, OTHER)
        session.expect()
        row["back"] = session.choose(CLASS, session.options[CLASS][0])  # the predicted class
        row["verdict"] = session.until_verdict()
        rows.append({**row, "mixed": session.shown != {sha256(data).hexdigest()}})
    session.close()
    return rows


def at_once(server: Server, sessions: int, images: Sequence[Path]) -> Row:
    """The steps of so many sessions that begin together, each with its part of the images."""
    together = threading.Barrier(sessions)
    with ThreadPoolExecutor(sessions) as pool:
        visits = [pool.submit(visit, server.address, images[number::sessions], together) for number in range(sessions)]
        rows = [row for found in visits for row in found.result()]
    steps = ("upload", "another class", "back", "verdict")
    return {
        "images": len(rows),
        "mixed": sum(row["mixed"] for row in rows),
        **{step: percentiles([row[step] for row in rows]) for step in steps},
        "memory_mb": server.memory_mb(),
    }


def memory_over(server: Server, images: Sequence[Path]) -> Row:
    """Anonymous memory in MB while one session uploads one image after the other, none of them twice."""
    session, found = LoadSession(server.address), []
    for number, image in enumerate(images, start=1):
        session.upload(UPLOADER, image.name, image.read_bytes())
        if number % max(1, len(images) // 10) == 0:
            time.sleep(PAUSE)
            found.append(server.memory_mb()["anonymous"])
    session.close()
    last = round(len(found) * STEADY) or 1
    plateau = max(found[:-last] or found)
    return {"images": len(images), "anonymous_mb": found, "rise over the plateau": max(found[-last:]) / plateau - 1}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="steps of many sessions at once, and memory over many images")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 5, 10, 20], help="at once, default: %(default)s")
    parser.add_argument("--images", type=int, default=2, help="of each session, default: %(default)s")
    parser.add_argument("--memory", type=int, default=500, help="images of one session, default: %(default)s")
    arguments = arguments_of(parser, "load")
    if arguments.images < 2:
        parser.error("a median with a 95th percentile needs --images 2 or more")
    total = sum(arguments.sessions) * arguments.images
    with TemporaryDirectory() as name:
        folder = Path(name)
        images = noisy_samples(folder / "images", total + arguments.memory)
        with served(PAGE, folder) as server:
            report: Row = {**machine(), "memory_mb": {"started": server.memory_mb()}, "at once": {}}
            for sessions in arguments.sessions:
                part, images = images[: sessions * arguments.images], images[sessions * arguments.images :]
                report["at once"][str(sessions)] = at_once(server, sessions, part)
            report["memory over images"] = memory_over(server, images)
            report["log_lines"] = server.log_lines()
    return finish(report, arguments.out)


if __name__ == "__main__":
    raise SystemExit(main())
