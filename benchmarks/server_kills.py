"""A dashboard that is killed at random moments: is what it had confirmed kept, and does nothing else stay behind?

    python -m benchmarks.server_kills [--times 100] [--servers 10] [--seed 0] [--out benchmarks/results/server_kills.json]

Part one, `--times` kills (SIGKILL): a process keeps what visitors of the Dataset page and the reader study decide, as the
server does (tags, images to leave out, saved queries, answers), and says after each that it is kept. After the kill all that
it had confirmed must be there, and what was cut short must not be in the way. Part two, `--servers` kills of a whole server
with a visitor uploading images: no process of it may live on, no part of an image may be on the disk, and the next server
must answer. Exit code 1 where anything is wrong. Linux and macOS.
"""

import argparse
import os
import random
import time
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

import psutil

from benchmarks.client import CLASS, UPLOADER, Session
from benchmarks.images import noisy_samples
from benchmarks.server import served
from benchmarks.surroundings import arguments_of, finish, machine
from covid_model.data.leave_out import leave_out, listed_images
from covid_model.data.saved_queries import read_saved_queries, write_saved_queries
from covid_model.data.tags import read_tags, set_tags
from covid_model.reader_study.design import StudyImage
from covid_model.reader_study.session import Settings, begin, resume

PAGE: Final = "streamlit_app.py"
READER: Final = "abc123"
IMAGES: Final = 40
LONGEST: Final = 1.0
"""Seconds after which a process is killed at the latest."""
LEFT: Final = 5.0
"""Seconds that processes of a killed server may need to notice."""
SIGNATURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"\x93NUMPY")
"""How files with pixels begin."""


def manifest_of(folder: Path) -> Path:
    """The manifest's name; nothing here reads it."""
    return folder / "m.parquet"


def keep(folder: Path, first: int, said: Connection) -> None:
    """In a process of its own: decision after decision from number `first` on, each said when it is kept, until killed."""
    manifest = manifest_of(folder)
    study = resume(folder, READER)
    if study is None:
        shown = tuple(StudyImage(f"i{number}", ("COVID-19", "Normal")[number % 2]) for number in range(IMAGES))
        study = begin(Settings(READER, "lungs", ("gradcam",), IMAGES, shown), folder)
    number = first
    while True:
        set_tags(manifest, f"{number:064x}", ["seen"])
        leave_out(manifest, [{"digest": f"{number:064x}", "path": f"{number}.png", "why": "near"}], "near")
        write_saved_queries(manifest, {**read_saved_queries(manifest), str(number): {"f_label": "Normal"}})
        if study.current is not None and study.pending is not None:
            study.commit_second("Normal", 1.0)
        elif study.current is not None:
            study.commit_first("Normal", ["upper left"], 1.0)
        said.send((number, len(study.readings)))
        number += 1


def lost(folder: Path, first: int, last: int, readings: int) -> list[str]:
    """What of the decisions `first` to `last`, and of so many readings, is not there."""
    manifest, wanted = manifest_of(folder), range(first, last + 1)
    tags, left = read_tags(manifest).get("seen", frozenset()), {digest for digest, _ in listed_images(manifest)}
    queries, study = read_saved_queries(manifest), resume(folder, READER)
    wrong = [f"tag {n}" for n in wanted if f"{n:064x}" not in tags]
    wrong += [f"image {n} to leave out" for n in wanted if f"{n:064x}" not in left]
    wrong += [f"query {n}" for n in wanted if str(n) not in queries]
    found = len(study.readings) if study else 0
    return wrong + ([f"{readings - found} readings"] if found < readings else [])


def kept_through(times: int, seed: int, folder: Path) -> tuple[int, list[str]]:
    """Decisions that were confirmed over `times` kills, and what of them was lost."""
    chance, context, wrong, confirmed, start = random.Random(seed), get_context("fork"), list[str](), 0, 0
    for turn in range(times):
        hear, said = context.Pipe(duplex=False)
        process = context.Process(target=keep, args=(folder, start, said))
        process.start()
        said.close()
        time.sleep(chance.uniform(0, LONGEST))
        process.kill()
        process.join()
        last, readings = start - 1, 0
        with suppress(EOFError):
            while True:
                last, readings = hear.recv()
        wrong += [f"kill {turn}: {what}" for what in lost(folder, start, last, readings)]
        confirmed, start = confirmed + last - start + 1, last + 2  # one more may be kept, and nobody was told
    return confirmed, wrong


def server_killed(after: float, images: list[Path], folder: Path) -> list[str]:
    """Kill a server so many seconds into a visit; what is wrong then. folder: of its log."""
    with served(PAGE, folder) as server:
        begun = Thread(target=_visit, args=(server.address, images), daemon=True)
        begun.start()
        time.sleep(after)
        family = psutil.Process(server.process).children(recursive=True)
        os.kill(server.process, 9)
        _, alive = psutil.wait_procs(family, LEFT)
        begun.join(LEFT)
    return [f"killed after {after:.1f} s: {' '.join(process.cmdline()[:4])} lives on" for process in alive]


def _visit(address: str, images: list[Path]) -> None:
    """Upload one image after another until the server is gone."""
    with suppress(Exception):  # however the end of the server shows
        session = Session(address, "panel=Export")
        while True:
            for image in images:
                session.upload(UPLOADER, image.name, image.read_bytes())
                session.choose(CLASS, "Pneumonia")


def files_with_pixels(folder: Path) -> list[str]:
    """Files below a folder that begin as images and arrays do."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                found += [str(path.relative_to(folder))] if stream.read(8).startswith(SIGNATURES) else []
    return found


def main() -> int:
    """Kill, print, write."""
    parser = argparse.ArgumentParser(description="a dashboard killed at random moments")
    parser.add_argument("--times", type=int, default=100, help="kills of what keeps decisions, default: %(default)s")
    parser.add_argument("--servers", type=int, default=10, help="kills of a whole server, default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = arguments_of(parser, "server_kills")
    chance = random.Random(arguments.seed)
    with TemporaryDirectory() as name, TemporaryDirectory() as uploads:
        kept, temporary = Path(name, "kept"), Path(name, "tmp")
        for folder in (kept, temporary):
            folder.mkdir()
        confirmed, wrong = kept_through(arguments.times, arguments.seed, kept)
        images = noisy_samples(Path(uploads), 4, 1000)
        os.environ["TMPDIR"] = str(temporary)  # thumbnails are below it too
        for _ in range(arguments.servers):
            wrong += server_killed(chance.uniform(0, 4), images, Path(name))
            wrong += [f"on the disk after a kill: {file}" for file in files_with_pixels(temporary)]
        with served(PAGE, Path(name)) as server:
            Session(server.address).close()
    finish(
        {
            **machine(),
            "kills of what keeps decisions": arguments.times,
            "decisions confirmed before them": confirmed,
            "kills of a whole server": arguments.servers,
            "wrong": wrong,
        },
        arguments.out,
    )
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
