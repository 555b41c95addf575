"""Explaining an archive: the command beside its peers, both engines with one and two workers, and killed processes.

    python -m benchmarks.engine [--part ray] [--images 120] [--large 24] [--out benchmarks/results/engine.json]

commands: `explain --images FOLDER` beside `explain FOLDER` of today and of revision `command_line.BEFORE`, and
`Model.explain` one by one. local, ray: each engine with one and two workers, and processes that are killed in the
middle of a run, whose rows are compared with undisturbed ones. Ray is a cluster of two nodes with one core each, in
processes of this machine, of which one is lost at last. A part that is not asked for stays as the file has it. Needs
requirements-ray.txt. Linux and macOS.
"""

import argparse
import json
import math
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import psutil

from benchmarks.command_line import BEFORE, checkout_before, explained, run
from benchmarks.images import noisy_samples
from benchmarks.surroundings import Row, arguments_of, finish, machine
from covid_model.archive.table import MOST_ROWS, TABLE, ArchiveTable
from covid_model.archive.task import Task
from covid_model.engines.addresses import addresses_of
from covid_model.engines.engine import MOST, Engine, batches, local, on_ray
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.share.batch import Job

MILLION: Final = 1_000_000
PARTS: Final = ("commands", "local", "ray")
HANDED_OUT: Final = 400
"""Batches of an idle actor."""
REPEAT: Final = 2
"""Runs of each command of today, of which the fastest counts."""
CHILD: Final = "covid_model.engines.child"
Rows = dict[str, Row]
Disturb = Callable[[], None]


def commands(folder: Path, images: Path) -> Row:
    """The command, its peers, and its ratios to them."""
    report: Row = {
        "explain --images": explained(images, folder / "archive", flags=("--workers", "2", "--images"), repeat=REPEAT),
        "explain FOLDER": explained(images, folder / "today", repeat=REPEAT),
    }
    count = len(list(images.iterdir()))
    loop = json.loads(run("-m", "benchmarks.one_by_one", str(images), str(folder / "loop"))[1].splitlines()[-1])
    report["one by one"] = {**loop, "images_per_s_without_start": count / loop["loop_s"]}
    copy = checkout_before(folder)
    report["before"] = {"revision": BEFORE} | (explained(images, folder / "out-before", copy) if copy else {})
    ours = report["explain --images"]
    report["ratios"] = {
        f"{key} over {peer}": ours[key] / report[peer][key]
        for peer in ("before", "explain FOLDER", "one by one")
        for key in ("images_per_s", "images_per_s_without_start")
        if key in report[peer]
    }
    return report


def measured(engine: Engine, task: Task, images: Path, workers: int, disturb: Disturb | None = None) -> tuple[Row, Rows]:
    """One run: seconds to the first rows, images per second after as many batches as workers; and the rows by address.

    disturb: called when a third of the rows are there.
    """
    every = batches(addresses_of(str(images)))
    skip, total, rows = workers * len(every[0]), sum(map(len, every)), Rows()
    begun, first, steady = time.perf_counter(), 0.0, 0.0
    for found in engine(task.work, every, workers):
        rows |= {row.pop("address"): {**row, "gradcam/seconds": None} for row in found}
        first = first or time.perf_counter() - begun
        if not steady and len(rows) >= skip:
            steady, skip = time.perf_counter(), len(rows)
        if disturb and len(rows) >= total / 3:
            disturb()
            disturb = None
    ended = time.perf_counter()
    rate = (total - skip) / (ended - steady)
    return {"workers": workers, "first_s": first, "seconds": ended - begun, "images_per_s": rate}, rows


def same(rows: Rows, whole: Rows) -> bool:
    """Are rows complete and equal? A sum of floats depends, in its last bit, on where in memory they are."""

    def close(one: Any, other: Any) -> bool:
        return math.isclose(one, other, rel_tol=1e-12) if isinstance(one, float) else bool(one == other)

    return rows.keys() == whole.keys() and all(
        close(value, rows[address].get(name)) for address, row in whole.items() for name, value in row.items()
    )


def compared(task: Task, images: Path, engine: Engine, disturbances: Mapping[str, Disturb]) -> Row:
    """An engine with one worker and with two, and disturbed; all rows are compared with those of one undisturbed run."""
    alone, whole = measured(engine, task, images, 1)
    both, rows = measured(engine, task, images, 2)
    killed = {}
    for name, disturb in disturbances.items():
        found, after = measured(engine, task, images, 2, disturb)
        killed[name] = {"seconds": found["seconds"], "equal": same(after, whole)}
    ratio, reference = both["images_per_s"] / alone["images_per_s"], measured(local, task, images, 2)[1]
    equal = same(rows, whole) and same(whole, reference)
    return {"1": alone, "2": both, "scaling": ratio, "equal": equal, "killed": killed}


def on_this_machine(task: Task, folder: Path, images: Path, large: Path) -> Row:
    """The local engine, also on large images, and the one process that hands out and writes."""
    report: Row = {"driver": driver(task, folder), "bytes_an_image": bytes_each(images)}
    report["large"] = measured(local, task, large, 2)[0] | {"bytes_an_image": bytes_each(large)}
    report["local"] = compared(task, images, local, {"a model's process": lambda: kill(CHILD)})
    return report


def on_a_cluster(task: Task, images: Path) -> Row:
    """The Ray engine."""
    with two_nodes() as lose_one:
        report: Row = {"handing out": {"batches": HANDED_OUT, "batches_per_s": handed_out()}}
        disturbances = {
            "a model's process": lambda: kill(CHILD),
            "an actor": lambda: kill("ray::MapWorker"),
            "one of the two nodes": lose_one,
        }
        report["ray"] = compared(task, images, on_ray, disturbances)
    return report


@contextmanager
def two_nodes() -> Iterator[Disturb]:
    """A Ray cluster of two nodes with one core each on this machine; gives what ends the node that is not the head."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    other = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield lambda: cluster.remove_node(other, allow_graceful=False)
    finally:
        ray.shutdown()
        cluster.shutdown()


def kill(words: str) -> None:
    """Kill (SIGKILL) the first process below this one whose command has these words."""
    for process in psutil.Process().children(recursive=True):
        if words in " ".join(process.cmdline()):
            os.kill(process.pid, signal.SIGKILL)
            return
    raise SystemExit(f"error: no process of {words} to kill")


class Idle:
    """An actor that does nothing."""

    def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
        return {"rows": ["[]"]}


def handed_out() -> float:
    """Batches per second that the driver hands out and takes back where the work itself takes no time."""
    import pyarrow as pa
    from ray.data import ActorPoolStrategy, from_arrow

    blocks = [pa.table({"address": [str(number)] * MOST}) for number in range(HANDED_OUT)]
    found = from_arrow(blocks).map_batches(Idle, batch_size=None, compute=ActorPoolStrategy(size=2), num_cpus=1)
    rows = iter(found.iter_rows())
    next(rows)
    start = time.perf_counter()
    return sum(1 for _ in rows) / (time.perf_counter() - start)


def driver(task: Task, folder: Path) -> Row:
    """What the one process does besides handing out: read a million addresses, take and write rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"s3://archive/patient-{number // 4:06d}/image-{number:07d}.dcm" for number in range(MILLION)]
    pq.write_table(pa.table({"address": names}), folder / "million.parquet")
    start = time.perf_counter()
    found = addresses_of(str(folder / "million.parquet"))
    listed, chance, out = time.perf_counter() - start, np.random.default_rng(0), folder / "rows"
    out.mkdir()
    table = ArchiveTable(out, task.schema())
    numbers = [column.name for column in task.schema() if column.type == pa.float64()]
    texts = {"predicted": "Normal", "head": "multiclass", "called": "Normal", "lungs": "good", "input_check": "frontal"}
    rows = [
        {
            "address": name,
            **texts,
            "image": chance.bytes(32).hex(),
            **dict(zip(numbers, chance.random(len(numbers)), strict=True)),
        }
        for name in found[:MOST_ROWS]
    ]
    sent = json.dumps(rows)
    start = time.perf_counter()
    table.add([task.stamped(row) for row in json.loads(sent)])
    taken = time.perf_counter() - start
    (part,) = (out / TABLE).iterdir()
    return {"listing_a_million_s": listed, "rows_per_s": MOST_ROWS / taken, "bytes_a_row": part.stat().st_size / MOST_ROWS}


def bytes_each(folder: Path) -> float:
    """Bytes of a file of a folder, on average."""
    return statistics.mean(path.stat().st_size for path in folder.iterdir())


def main() -> int:
    """Measure, print, write; 1 where a row is missing or differs."""
    parser = argparse.ArgumentParser(description="explaining an archive")
    parser.add_argument("--part", choices=PARTS, help="default: all")
    parser.add_argument("--images", type=int, default=120, help="different images of 256 x 256 pixels, default: %(default)s")
    parser.add_argument("--large", type=int, default=24, help="images of 2,000 x 2,000 pixels, default: %(default)s")
    arguments = arguments_of(parser, "engine")
    found = json.loads(arguments.out.read_text("utf-8")) if arguments.part and arguments.out.exists() else {}
    found |= machine() | {"images": arguments.images}
    with TemporaryDirectory() as name:
        folder = Path(name)
        images, large, task = folder / "images", folder / "large", Task.of(DEFAULT_MODEL, Job(("gradcam",)))
        noisy_samples(images, arguments.images)
        parts = (arguments.part,) if arguments.part else PARTS
        if "commands" in parts:
            found["commands"] = commands(folder, images)
        if "local" in parts:
            noisy_samples(large, arguments.large, 2000)
            found |= on_this_machine(task, folder, images, large)
        if "ray" in parts:
            found |= on_a_cluster(task, images)
    finish(found, arguments.out)
    engines = [found[engine] for engine in ("local", "ray") if engine in found]
    return int(not all(row["equal"] for engine in engines for row in (engine, *engine["killed"].values())))


if __name__ == "__main__":
    raise SystemExit(main())
