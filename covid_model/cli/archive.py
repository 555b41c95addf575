"""Engines of workers on the command line, and `explain --images`: an archive of any size into Parquet files."""

import argparse
from functools import partial
from typing import TYPE_CHECKING, Final

from covid_model.errors import CovidModelError

if TYPE_CHECKING:
    from covid_model.engines.engine import FoundOn
    from covid_model.share.batch import Job

ENGINE_NAMES: Final = ("local", "ray")


Flags = argparse.ArgumentParser | argparse._ArgumentGroup


def add_engine(parser: Flags, default: str) -> None:
    """The flags that say who works on the images. default: who does without them."""
    parser.add_argument(
        "--engine", choices=ENGINE_NAMES, help=f"processes of this machine, or a Ray cluster; default: {default}"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="of the engine, each with a model; default: one a core")


def engine_of(arguments: argparse.Namespace, default: str | None = None) -> tuple[str | None, int | None]:
    """The engine and its workers. Raises CovidModelError for no worker, and for workers of no engine."""
    engine, workers = arguments.engine or default, arguments.workers
    if workers is not None and workers < 1:
        raise CovidModelError(f"--workers needs at least 1. Received: {workers}.")
    if workers is not None and engine is None:
        raise CovidModelError(f"--workers belongs to --engine; choose {' or '.join(ENGINE_NAMES)}.")
    return engine, workers


def worker_of(arguments: argparse.Namespace) -> "FoundOn":
    """Who works on the images of a manifest. Raises as `engine_of`."""
    engine, workers = engine_of(arguments)
    from covid_model.engines.engine import found_on

    return partial(found_on, engine=engine, workers=workers)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `explain` that belong to archives."""
    group = parser.add_argument_group("archives", "one row an image in Parquet files; a later run goes on where one ended")
    group.add_argument("--images", metavar="ADDRESS", help="folder, Parquet file of addresses, or URI as s3://bucket/folder")
    add_engine(group, "processes")
    group.add_argument("--heatmaps", action="store_true", help="also save maps and overlays, below OUT/heatmaps")


def run_archive(arguments: argparse.Namespace, job: "Job") -> int:
    """`explain --images`; 2 when any image failed, else 0. Raises CovidModelError for flags that do not fit."""
    if arguments.file or arguments.image:
        raise CovidModelError("Name images either as FILE or by --images; the second takes a folder, a table or an address.")
    engine, workers = engine_of(arguments, ENGINE_NAMES[0])
    from covid_model.archive.run import explain_archive

    counts = explain_archive(
        arguments.images,
        job,
        arguments.out,
        model=arguments.model,
        engine=str(engine),
        workers=workers,
        heatmaps=arguments.heatmaps,
    )
    print(
        f"{arguments.out}: {counts.explained} images explained, {counts.failed} failed (their rows say why), "
        f"{counts.before} done before"
    )
    return 2 if counts.failed else 0


def require_images(arguments: argparse.Namespace) -> None:
    """Raise CovidModelError where a flag for archives has none."""
    if arguments.engine or arguments.workers is not None or arguments.heatmaps:
        raise CovidModelError("--engine, --workers and --heatmaps belong to --images; name the archive by it.")
