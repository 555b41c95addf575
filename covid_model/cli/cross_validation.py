"""`cross-validate` and `ablation`: how recipes do on images that their trainings have not seen."""

import argparse
from pathlib import Path
from typing import Any

from covid_model.cli.interval import interval_text, print_interval
from covid_model.cli.models import add_settings, settings_of
from covid_model.cli.pairs import pairs
from covid_model.models.specs import MODELS


def add_commands(commands: Any) -> None:
    """Add both to the top-level subparsers."""
    _add_ablation(commands)
    parser = commands.add_parser(
        "cross-validate",
        help="train a recipe several times and score what each training has not seen; continues where it was",
    )
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--manifest", type=Path, required=True, help="its test split takes no part")
    parser.add_argument("--out", type=Path, required=True, help="folder for a run a fold, predictions and scores")
    parser.add_argument("--folds", type=int, default=5, help="default: %(default)s")
    parser.add_argument(
        "--without", action="append", default=[], metavar="SOURCE",
        help="train once more without any image of this source, and score its images; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--only-without", action="store_true",
        help="train no folds by patient, only those without a source: a first look; a later call without this adds the rest",
    )  # fmt: skip
    add_settings(parser)
    parser.set_defaults(run=run_cross_validate)


def _add_ablation(commands: Any) -> None:
    parser = commands.add_parser("ablation", help="what each change of a recipe brings, from finished cross-validations")
    parser.add_argument(
        "step",
        nargs="+",
        metavar="TITLE=DIR",
        help="a `cross-validate --out`; the first is what the others are compared with",
    )
    parser.add_argument("--out", type=Path, required=True, help="the file to write, *.json")
    parser.set_defaults(run=run_ablation)


def run_ablation(arguments: argparse.Namespace) -> int:
    """The `ablation` command."""
    from covid_model.files import write_json
    from covid_model.training.ablation import ablation

    record = ablation({title: Path(folder) for title, folder in pairs("ablation", arguments.step).items()})
    write_json(arguments.out, record)
    for step in record["steps"]:
        print(step["title"])
        for name, score in step["scores"].items():
            change = step["change"].get(name)
            print(f"  {name}: {interval_text(score)}" + (f", change {interval_text(change, sign=True)}" if change else ""))
    return 0


def run_cross_validate(arguments: argparse.Namespace) -> int:
    """The `cross-validate` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.training.cross_validation import cross_validate
    from covid_model.training.recipes import get_recipe

    config = settings_of(arguments, get_recipe(arguments.model).config)
    table = read_manifest(arguments.manifest)
    record = cross_validate(
        config,
        table,
        arguments.out,
        count=arguments.folds,
        without=arguments.without,
        only_without=arguments.only_without,
    )
    for name, score in record["scores"].items():
        print_interval(name, score)
    return 0
