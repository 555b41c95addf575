"""`data ...`: fetch images, build a manifest of them, and check, measure and describe it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from covid_model.cli.archive import add_engine, worker_of
from covid_model.cli.pairs import pairs
from covid_model.data.source import FIELDS
from covid_model.data.sources import SOURCES
from covid_model.data.user_source import classes_source, table_source
from covid_model.errors import DataError
from covid_model.files import check_writable
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.models.user_models import available_models


def add_commands(commands: Any) -> None:
    """Add `data` with its own subcommands."""
    data = commands.add_parser("data", help="fetch images; build and check a manifest").add_subparsers(required=True)

    build = data.add_parser("build", help="read public sources and your own images into one manifest (Parquet)")
    build.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help=f"may be repeated; NAME is one of {', '.join(SOURCES)}",
    )
    build.add_argument("--folder", action="append", default=[], metavar="NAME=DIR", help="your images, one folder a class")
    build.add_argument("--table", action="append", default=[], metavar="NAME=CSV", help="your images, one row an image")
    build.add_argument(
        "--images", action="append", default=[], metavar="NAME=DIR", help="where a table's images are; default: beside it"
    )
    fields = f"column of the tables that holds a FIELD: {', '.join(FIELDS)}"
    build.add_argument("--column", action="append", default=[], metavar="FIELD=COLUMN", help=fields)
    build.add_argument(
        "--label", action="append", default=[], metavar="CLASS=LABEL", help="the label of a class of your images"
    )
    build.add_argument("--view", default="PA", help="of your images without a view; default: %(default)s")
    build.add_argument("--out", type=Path, required=True, help="the manifest to write, *.parquet")
    build.add_argument("--seed", type=int, default=0, help="of the split")
    build.add_argument("--all-views", action="store_true", help="keep lateral images and images without a view")
    build.add_argument("--leave-out", type=Path, metavar="CSV", help="images to leave out, as the Dataset page lists them")
    build.add_argument(
        "--keep-splits", type=Path, metavar="MANIFEST", help="an earlier manifest whose images stay in their splits"
    )
    build.add_argument(
        "--second-reads", choices=("keep", "relabel", "leave out"), default="keep",
        help="what to do with images that people read again and labelled otherwise; default: %(default)s the label",
    )  # fmt: skip
    build.set_defaults(run=run_build)

    check = data.add_parser("check", help="patients or near-duplicates in two splits; exit code 1 where there are any")
    check.add_argument("manifest", type=Path)
    check.set_defaults(run=run_check)

    measure = data.add_parser("measure", help="add prediction, attention and image statistics, for the Dataset page")
    measure.add_argument("--manifest", type=Path, required=True)
    measure.add_argument("--model", choices=available_models(), default=DEFAULT_MODEL, help="default: %(default)s")
    measure.add_argument("--out", type=Path, required=True, help="the measured manifest to write, *.parquet")
    add_engine(measure, "threads")
    measure.set_defaults(run=run_measure)

    report = data.add_parser("report", help="confounders and quality checks, as HTML and JSON; exit code 1 where a severe "
                             "check finds images")  # fmt: skip
    report.add_argument("manifest", type=Path)
    report.add_argument("--out", type=Path, required=True, help="folder for report.html and report.json")
    report.set_defaults(run=run_report)

    fetch = data.add_parser("fetch", help="download a public source, or say how to get it")
    fetch.add_argument("name", choices=SOURCES, metavar="SOURCE", help=", ".join(SOURCES))
    fetch.add_argument("--out", type=Path, required=True, help="folder for all downloads; each source gets its own in it")
    fetch.add_argument("--accept", action="store_true", help="accept the licence without being asked")
    fetch.set_defaults(run=run_fetch)

    samples = data.add_parser("samples", help="fetch twelve public images with open licences")
    samples.add_argument("--out", type=Path, help="folder; default: one in the user's cache, where the app finds them")
    samples.add_argument("--accept", action="store_true", help="accept the licences without being asked")
    samples.set_defaults(run=run_samples)

    demo = data.add_parser(
        "demo", help="draw a small labelled data set with known faults, to try everything without a download"
    )
    demo.add_argument("--out", type=Path, required=True, help="a new folder; gets manifest.parquet and truth.json")
    demo.add_argument("--images", type=int, default=600, help="default: %(default)s")
    demo.add_argument("--seed", type=int, default=0, help="of the drawings")
    demo.set_defaults(run=run_demo)

    describe = data.add_parser("describe", help="describe a manifest in counts, which may be published (JSON)")
    describe.add_argument("manifest", type=Path)
    describe.add_argument("--out", type=Path, required=True)
    describe.set_defaults(run=run_describe)


def run_build(arguments: argparse.Namespace) -> int:
    """The `data build` command."""
    from covid_model.data.leave_out import read_leave_out
    from covid_model.data.manifest import build, read_manifest, write_manifest

    folders = {name: Path(folder) for name, folder in pairs("--source", arguments.source).items()}
    labels, columns, own = pairs("--label", arguments.label), pairs("--column", arguments.column), {}
    classes, tables = pairs("--folder", arguments.folder), pairs("--table", arguments.table)
    images = pairs("--images", arguments.images)
    if repeated := sorted(classes.keys() & tables.keys()):
        raise DataError(f"{repeated[0]} is named as a folder and as a table; give each its own name.")
    if lost := sorted(images.keys() - tables.keys()):
        raise DataError(f"--images {lost[0]}=DIR belongs to a --table {lost[0]}=CSV, which is not given.")
    for name, folder in classes.items():
        folders[name], own[name] = Path(folder), classes_source(name, labels=labels, view=arguments.view)
    for name, file in tables.items():
        folders[name] = Path(file).parent
        place = Path(images[name]) if name in images else None
        own[name] = table_source(name, Path(file), columns, images=place, labels=labels, view=arguments.view)
    if not folders:
        raise DataError("Name at least one --source, --folder or --table.")
    listed = read_leave_out(arguments.leave_out) if arguments.leave_out else {}
    check_writable(arguments.out)
    before = read_manifest(arguments.keep_splits) if arguments.keep_splits else None
    table, report = build(
        folders,
        own=own,
        seed=arguments.seed,
        all_views=arguments.all_views,
        leave_out=listed,
        keep_splits={} if before is None else dict(zip(before["digest"], before["split"], strict=True)),
        second_reads=arguments.second_reads,
    )
    write_manifest(table, report, arguments.out)
    print(table.groupby(["source", "label", "split"]).size().unstack(fill_value=0).to_string())
    for line in report.lines():
        print(line)
    print(f"{len(table)} images, {table['patient'].nunique()} patients -> {arguments.out} (data {report.data_hash[:12]})")
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """The `data check` command."""
    from covid_model.data.check import check_leakage
    from covid_model.data.manifest import read_manifest

    leakage = check_leakage(read_manifest(arguments.manifest))
    for patient in leakage.patients:
        print(f"patient in two splits: {patient}")
    for first, second, distance in leakage.pairs:
        print(f"near-duplicates in two splits: {first} and {second}, {distance} of 256 bits apart")
    print(f"{len(leakage.patients)} patients and {len(leakage.pairs)} near-duplicate pairs in two splits")
    return 0 if leakage.clean else 1


def run_measure(arguments: argparse.Namespace) -> int:
    """The `data measure` command."""
    from covid_model.api.load import load_model
    from covid_model.audit.measure_images import measure_images
    from covid_model.data.manifest import note_of, read_manifest

    work_on = worker_of(arguments)
    model, manifest = load_model(arguments.model), read_manifest(arguments.manifest)
    table = measure_images(model, manifest, arguments.out, work_on, note_of(arguments.manifest))
    print(f"{len(table)} images measured by {arguments.model} -> {arguments.out}")
    return 0


def run_report(arguments: argparse.Namespace) -> int:
    """The `data report` command."""
    from covid_model.data.browse import ManifestTable
    from covid_model.data.report import write_report
    from covid_model.evaluation.label_noise import describe_with_noise

    images = ManifestTable(arguments.manifest)
    content = write_report(images, describe_with_noise(images), arguments.out)
    for sentence in (*content["confounders"], *content["label_noise"]):
        print(sentence)
    for found in content["quality"].values():
        print(f"{found['title']}: {'not measured' if found['count'] is None else found['count']}")
    print(f"-> {arguments.out / 'report.html'}")
    return int(any(found["severe"] and found["count"] for found in content["quality"].values()))


def run_describe(arguments: argparse.Namespace) -> int:
    """The `data describe` command."""
    from covid_model.data.browse import ManifestTable
    from covid_model.evaluation.label_noise import describe_with_noise

    found = describe_with_noise(ManifestTable(arguments.manifest))
    found.save(arguments.out)
    print(f"{found.images} images of {found.patients} patients -> {arguments.out}")
    return 0


def run_demo(arguments: argparse.Namespace) -> int:
    """The `data demo` command."""
    from covid_model.data.demo.write import write_demo
    from covid_model.progress import ProgressLog

    with ProgressLog("drawing", arguments.images) as shown:
        found = write_demo(arguments.out, images=arguments.images, seed=arguments.seed, progress=shown.at)
    print(f"{found.images} drawn images with {len(found.faults)} planted faults, listed in {arguments.out / 'truth.json'}")
    print(f"-> {found.manifest}")
    return 0


def run_fetch(arguments: argparse.Namespace) -> int:
    """The `data fetch` command."""
    from covid_model.data.fetch import fetch_source

    print(fetch_source(SOURCES[arguments.name], arguments.out, _asked(arguments)))
    return 0


def run_samples(arguments: argparse.Namespace) -> int:
    """The `data samples` command."""
    from covid_model.data.public_samples import fetch_samples

    for path in fetch_samples(_asked(arguments), folder=arguments.out):
        print(path)
    return 0


def _asked(arguments: argparse.Namespace) -> Callable[[str], bool]:
    """A function that shows licence terms and asks for agreement, unless `--accept` was given."""

    def accept(terms: str) -> bool:
        print(terms)
        return arguments.accept or input("Fetch under this licence? [y/N] ").strip().lower() in ("y", "yes")

    return accept
