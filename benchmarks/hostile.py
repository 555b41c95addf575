"""Hostile files: each must end in one sentence or a valid image, soon, in little memory, and nothing else may suffer.

    python -m benchmarks.hostile [--every 10] [--mutations 2000] [--seed 0] [--out benchmarks/results/hostile.json]

Every file goes through the reader as an upload does; afterwards a good image must still be read. Without --mutations only
the fixed files are tried, with --every only some of them. Exit code 1 when a file broke the promise. Memory is read from
/proc, on Linux only.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from benchmarks.hostile_files import corpus, mutations, special_paths
from benchmarks.hostile_seeds import seeds
from covid_model.errors import ImageError
from covid_model.files import write_json
from covid_model.images.read import load_image, read_image
from covid_model.images.worker import POOL

MOST_SECONDS: Final = 2.0
MOST_MB: Final = 500


def peak_mb() -> float:
    """The largest resident memory (10^6 bytes) that any living worker has had."""
    found = [0.0]
    for worker in POOL.workers:
        status = Path(f"/proc/{worker.process_id}/status")
        if worker.process_id and status.exists():
            lines = (line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM"))
            found += [int(line.split()[1]) * 1024 / 1e6 for line in lines]
    return max(found)


def outcome(data: bytes | Path) -> str:
    """What becomes of one file: "image", "sentence", or what is wrong with the answer."""
    try:
        image = load_image(data) if isinstance(data, Path) else read_image(data)
    except ImageError as error:
        sentence = str(error)
        whole = sentence.isprintable() and sentence.endswith(".") and ". " not in sentence
        return "sentence" if whole else f"not one sentence: {sentence!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    pixels = image.pixels
    fine = pixels.dtype == np.float32 and pixels.ndim == 2 and bool(np.isfinite(pixels).all())
    return "image" if fine and pixels.min() >= 0 and pixels.max() <= 1 else "an image outside [0, 1]"


def tried(files: Iterable[tuple[str, bytes | Path]]) -> dict[str, Any]:
    """Figures of all files: outcomes, the slowest, the largest memory, deaths of workers, and every broken promise."""
    outcomes: Counter[str] = Counter()
    slowest, broken, largest = (0.0, ""), [], 0.0
    before = sum(worker.deaths for worker in POOL.workers)
    for name, data in files:
        start = time.perf_counter()
        answer = outcome(data)
        seconds = time.perf_counter() - start
        slowest, largest = max(slowest, (seconds, name)), max(largest, peak_mb())
        outcomes[answer if answer in ("image", "sentence") else "broken"] += 1
        if answer not in ("image", "sentence"):
            broken.append(f"{name}: {answer}")
    return {
        "files": outcomes.total(),
        "outcomes": dict(outcomes),
        "slowest": {"seconds": round(slowest[0], 2), "file": slowest[1]},
        "largest worker, MB": round(largest),
        "workers that died": sum(worker.deaths for worker in POOL.workers) - before,
        "broken": broken,
        "a good image afterwards": outcome(next(iter(seeds().values()))),
    }


def main() -> int:
    """Try, print, write."""
    parser = argparse.ArgumentParser(description="hostile files through the reader")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th fixed file, for a quick look")
    parser.add_argument("--mutations", type=int, default=0, help="random changes of good files to try as well")
    parser.add_argument("--seed", type=int, default=0, help="of the random changes")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        report: dict[str, Any] = {
            "date": datetime.now(UTC).isoformat("T", "seconds"),
            "fixed files": tried(islice(chain(corpus(), special_paths(Path(folder))), None, None, arguments.every)),
            "mutations": tried(mutations(arguments.mutations, arguments.seed)),
            "allowed": {"seconds": MOST_SECONDS, "MB": MOST_MB},
        }
    report["seconds"] = round(time.perf_counter() - start, 1)
    print(json.dumps(report, indent=1))
    if arguments.out:
        write_json(arguments.out, report)
    parts = (report["fixed files"], report["mutations"])
    return int(any(part["broken"] or part["a good image afterwards"] != "image" for part in parts))


if __name__ == "__main__":
    raise SystemExit(main())
