"""`synthetic train|draw`: the generator of the films that ship with the project. `gate fit`: what refuses other pictures."""

import argparse
from pathlib import Path
from typing import Any, Final

import pandas as pd

from covid_model.data.labels import LABELS

STAGES: Final = ("draft", "enlarge")
JUDGES: Final = ("lungs", "whole-film", "resnet50")
"""Models asked what they take a drawn film for; the first decides, the others are told of."""


def add_commands(commands: Any) -> None:
    """Add both groups to the top-level subparsers."""
    synthetic = commands.add_parser("synthetic", help="chest films that no patient owns").add_subparsers(required=True)
    train = synthetic.add_parser("train", help="train the generator on a manifest's train split, or go on with it")
    train.add_argument("--manifest", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True, help="folder for weights, losses and what is needed to go on")
    train.add_argument("--stage", choices=STAGES, action="append", help="may be repeated; default: all, one after the other")
    train.add_argument("--epochs", type=int, help="of each stage")
    train.set_defaults(run=run_train)

    draw = synthetic.add_parser("draw", help="draw films and keep the first that pass every check")
    draw.add_argument("--generator", type=Path, required=True, help="the folder that `synthetic train` wrote")
    draw.add_argument("--manifest", type=Path, required=True, help="measured by `data measure` with the first model")
    draw.add_argument("--out", type=Path, required=True, help="folder for the films and what is known of them")
    draw.add_argument("--count", type=int, default=4, help="films a label; default: %(default)s")
    draw.add_argument("--most", type=int, default=120, help="films to try a label; default: %(default)s")
    draw.set_defaults(run=run_draw)

    gate = commands.add_parser("gate", help="what refuses pictures that are no chest films").add_subparsers(required=True)
    fit = gate.add_parser("fit", help="fit it, set its threshold, measure it; writes the shipped numbers and their card")
    fit.add_argument("--manifest", type=Path, required=True)
    fit.add_argument(
        "--all-views", type=Path, required=True, help="a manifest by `data build --all-views`, for lateral films"
    )
    fit.set_defaults(run=run_gate_fit)


def run_train(arguments: argparse.Namespace) -> int:
    """The `synthetic train` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.synthetic.films import kinds_of, small_films
    from covid_model.synthetic.flow import STAGES as ALL
    from covid_model.synthetic.flow import train_stage

    table = read_manifest(arguments.manifest)
    table = table[table["split"] == "train"]
    films, kinds = small_films(table), kinds_of(table)
    for name in arguments.stage or STAGES:
        train_stage(films, kinds, ALL[name], arguments.out, epochs=arguments.epochs)
    return 0


def run_draw(arguments: argparse.Namespace) -> int:
    """The `synthetic draw` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.lungs.segment import LungSegmenter
    from covid_model.synthetic.choose import choose, training_films, write_samples
    from covid_model.synthetic.draw import Generator
    from covid_model.zoo.classifier import load

    table = read_manifest(arguments.manifest)
    known, limit = training_films(arguments.manifest, table)
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
        answers = ", ".join(f"{key} {answer.predicted}" for key, answer in sample.answers.items())
        print(f"{sample.label} {sample.seed}: {answers}; nearest {sample.near.correlation:.2f}, {sample.near.embedding:.2f}")
    print(f"limits {limit.correlation:.2f}, {limit.embedding:.2f}; tried {tried} -> {arguments.out}")
    return 0


def run_gate_fit(arguments: argparse.Namespace) -> int:
    """The `gate fit` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.gate.fit import fit_and_measure

    table, all_views = read_manifest(arguments.manifest), read_manifest(arguments.all_views)
    scores = fit_and_measure(with_laterals(table, all_views))["scores"]
    for name, score in scores.items():
        print(f"{name}: {score['value']:.1%} of {score['pictures']} refused [{score['low']:.1%}, {score['high']:.1%}]")
    return 0


def with_laterals(table: pd.DataFrame, all_views: pd.DataFrame) -> pd.DataFrame:
    """The films of `table` and the lateral ones of `all_views`, each in the split of its patient; strangers go to "test"."""
    laterals = all_views[~all_views["path"].isin(table["path"]) & (all_views["view"] == "L")].copy()
    split = table.drop_duplicates("patient").set_index("patient")["split"]
    laterals["split"] = laterals["patient"].map(split).fillna("test")
    return pd.concat([table, laterals], ignore_index=True)
