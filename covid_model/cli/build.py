"""`synthetic train|draw`: the generator of the shipped images. `build input-check`: what refuses other pictures."""

import argparse
from pathlib import Path
from typing import Any, Final

import pandas as pd

from covid_model.data.labels import LABELS

STAGES: Final = ("draft", "enlarge")
JUDGES: Final = ("lungs", "whole-image", "resnet50")
"""Models asked what they take a drawn image for; the first decides, the others are told of."""


def add_commands(commands: Any) -> None:
    """Add both groups to the top-level subparsers."""
    synthetic = commands.add_parser("synthetic", help="chest X-rays that no patient owns").add_subparsers(required=True)
    train = synthetic.add_parser("train", help="train the generator on a manifest's train split, or go on with it")
    train.add_argument("--manifest", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True, help="folder for weights, losses and what is needed to go on")
    train.add_argument("--stage", choices=STAGES, action="append", help="may be repeated; default: all, one after the other")
    train.add_argument("--epochs", type=int, help="of each stage")
    train.set_defaults(run=run_train)

    draw = synthetic.add_parser("draw", help="draw images and keep the first that pass every check")
    draw.add_argument("--generator", type=Path, required=True, help="the folder that `synthetic train` wrote")
    draw.add_argument("--manifest", type=Path, required=True, help="measured by `data measure` with the first model")
    draw.add_argument("--out", type=Path, required=True, help="folder for the images and what is known of them")
    draw.add_argument("--count", type=int, default=4, help="images a label; default: %(default)s")
    draw.add_argument("--most", type=int, default=120, help="images to try a label; default: %(default)s")
    draw.set_defaults(run=run_draw)

    gate = commands.add_parser("input-check", help="what refuses pictures that are no chest X-rays").add_subparsers(
        required=True
    )
    fit = gate.add_parser("fit", help="fit it, set its threshold, measure it; writes the shipped numbers and their card")
    fit.add_argument("--manifest", type=Path, required=True)
    fit.add_argument(
        "--all-views", type=Path, required=True, help="a manifest by `data build --all-views`, for lateral images"
    )
    fit.set_defaults(run=run_input_check_fit)


def run_train(arguments: argparse.Namespace) -> int:
    """The `synthetic train` command."""
    from covid_model.build.synthetic.flow import STAGES as ALL
    from covid_model.build.synthetic.flow import train_stage
    from covid_model.build.synthetic.training_images import kinds_of, small_images
    from covid_model.data.manifest import read_manifest

    table = read_manifest(arguments.manifest)
    table = table[table["split"] == "train"]
    images, kinds = small_images(table), kinds_of(table)
    for name in arguments.stage or STAGES:
        train_stage(images, kinds, ALL[name], arguments.out, epochs=arguments.epochs)
    return 0


def run_draw(arguments: argparse.Namespace) -> int:
    """The `synthetic draw` command."""
    from covid_model.build.synthetic.choose import choose, training_images, write_samples
    from covid_model.build.synthetic.draw import Generator
    from covid_model.data.manifest import read_manifest
    from covid_model.lungs.segment import LungSegmenter
    from covid_model.models.classifier import load

    table = read_manifest(arguments.manifest)
    known, limit = training_images(arguments.manifest, table)
    segmenter = LungSegmenter.load()
    chosen, tried = choose(
        Generator.load(arguments.generator),
        {key: load(key, segmenter) for key in JUDGES},
        known,
        limit,
        labels=LABELS,
        count=arguments.count,
        most=arguments.most,
    )
    write_samples(chosen, tried, limit, arguments.generator, table, arguments.out)
    for sample in chosen:
        predictions = ", ".join(f"{key} {prediction.predicted}" for key, prediction in sample.predictions.items())
        nearest = f"{sample.near.correlation:.2f}, {sample.near.embedding:.2f}"
        print(f"{sample.label} {sample.seed}: {predictions}; nearest {nearest}")
    print(f"limits {limit.correlation:.2f}, {limit.embedding:.2f}; tried {tried} -> {arguments.out}")
    return 0


def run_input_check_fit(arguments: argparse.Namespace) -> int:
    """The `build input-check` command."""
    from covid_model.build.fit_input_check import fit_and_measure
    from covid_model.data.manifest import read_manifest

    table, all_views = read_manifest(arguments.manifest), read_manifest(arguments.all_views)
    scores = fit_and_measure(with_laterals(table, all_views))["scores"]
    for name, score in scores.items():
        print(f"{name}: {score['value']:.1%} of {score['pictures']} refused [{score['low']:.1%}, {score['high']:.1%}]")
    return 0


def with_laterals(table: pd.DataFrame, all_views: pd.DataFrame) -> pd.DataFrame:
    """The images of `table` and the lateral ones of `all_views`, each in its patient's split; strangers go to "test"."""
    laterals = all_views[~all_views["path"].isin(table["path"]) & (all_views["view"] == "L")].copy()
    split = table.drop_duplicates("patient").set_index("patient")["split"]
    laterals["split"] = laterals["patient"].map(split).fillna("test")
    return pd.concat([table, laterals], ignore_index=True)
