"""How long a question to a manifest of a million images takes, and what it occupies.

    python -m benchmarks.dataset [--images 1000000] [--repeat 5] [--out FILE.json]

The manifest is generated (random labels, sources, answers; no pictures). Every filter, page and facet is asked several times
in one process, as a page would, with a bar of 300 ms a question and 300 MB over the idle process.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pandas as pd
import psutil

from covid_model import __version__
from covid_model.data.browse import ManifestTable
from covid_model.data.filters import Query
from covid_model.data.quality import CHECKS, run_check

SECONDS: Final = 0.3
MEGABYTES: Final = 300.0
QUERIES: Final = {
    "everything": Query(),
    "one label": Query({"label": ("COVID-19",)}),
    "label, source and confidence": Query({"label": ("COVID-19",), "source": ("a", "b")}, {"confidence": (0.2, 0.6)}),
    "search": Query(text="viral 0012"),
    "sorted by confidence": Query(sort="confidence", descending=True),
}


def manifest(path: Path, images: int) -> None:
    """A measured manifest of random images."""
    rng = np.random.default_rng(0)
    number = range(images)
    table = pd.DataFrame(
        {
            "path": [f"/images/source-{n % 7}/images/{n:08d}.png" for n in number],
            "source": rng.choice(list("abcd"), images),
            "patient": [f"p{n // 2}" for n in number],
            "label": rng.choice(["COVID-19", "Normal", "Pneumonia"], images),
            "finding": rng.choice(["Effusion", "No Finding", "COVID-19, ARDS", "Viral"], images),
            "view": rng.choice(["PA", "AP", "AP Supine", ""], images),
            "sex": rng.choice(["M", "F", ""], images),
            "age": np.where(rng.random(images) < 0.3, np.nan, rng.integers(1, 95, images)),
            "split": rng.choice(["train", "val", "test"], images, p=[0.7, 0.1, 0.2]),
            "digest": [f"{n * 2654435761 % 2**64:064x}" for n in number],
            "phash": [rng.bytes(32).hex() for _ in number],
            "height": rng.integers(300, 4000, images),
            "licence": "CC BY",
            "link": [f"https://example.org/{n}" for n in number],
            "predicted": rng.choice(["COVID-19", "Normal", "Pneumonia"], images),
            "correct": rng.random(images) < 0.8,
            "confidence": rng.random(images),
            "lungs": rng.choice(["good", "doubtful", "failed"], images),
            "attention": rng.random(images),
            "likeness": rng.normal(0.6, 0.2, images),
            "letters": rng.poisson(4, images),
            "border": rng.random(images) ** 8,
        }
    )
    table.to_parquet(path, index=False)


def seconds(ask: Callable[[], object], repeat: int) -> float:
    """Median of several times, the first apart."""
    ask()
    taken = []
    for _ in range(repeat):
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def asked(images: ManifestTable, repeat: int) -> list[dict[str, Any]]:
    """Every question for every query."""
    rows = []
    for name, query in QUERIES.items():
        last = max(0, images.count(query) - 24)
        rows.append(
            {
                "query": name,
                "count_s": seconds(lambda query=query: images.count(query), repeat),  # type: ignore[misc]
                "facets_s": seconds(lambda query=query: images.facets(query), repeat),  # type: ignore[misc]
                "first_page_s": seconds(lambda query=query: images.page(query, 0, 24), repeat),  # type: ignore[misc]
                "last_page_s": seconds(lambda query=query, last=last: images.page(query, last, 24), repeat),  # type: ignore[misc]
            }
        )
        print(json.dumps(rows[-1]))
    return rows


def main() -> int:
    """Measure, print, write. Exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description="questions to a manifest of a million images")
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "images.parquet"
        making = get_context("spawn").Process(target=manifest, args=(path, arguments.images))
        making.start()  # in a process of its own: what making it takes is not what asking it takes
        making.join()
        idle = psutil.Process().memory_info().rss / 1e6
        images = ManifestTable(path)
        rows = asked(images, arguments.repeat)
        checks = {key: seconds(lambda check=check: run_check(check, images), 1) for key, check in CHECKS.items()}  # type: ignore[misc]
        checks["data hash"] = seconds(images.data_hash, 1)
        over = psutil.Process().memory_info().rss / 1e6 - idle
    slowest = max(value for row in rows for value in row.values() if isinstance(value, float))
    kept = {"any question under 300 ms": slowest < SECONDS, "under 300 MB over idle": over < MEGABYTES}
    result = {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "cores": os.cpu_count(),
        "images": arguments.images,
        "questions": rows,
        "checks_s": checks,
        "slowest_s": slowest,
        "over_idle_mb": over,
        "kept": kept,
    }
    print(json.dumps({name: result[name] for name in ("slowest_s", "over_idle_mb", "kept")}, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
