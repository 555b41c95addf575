"""`cross-validate`: how a recipe does on images that its training has not seen."""

import argparse
from pathlib import Path
from typing import Any

from covid_model.cli.models import add_settings, settings_of
from covid_model.models.specs import MODELS


def add_commands(commands: Any) -> None:
    """Add `cross-validate` to the top-level subparsers."""
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
    add_settings(parser)
    parser.set_defaults(run=run_cross_validate)


def run_cross_validate(arguments: argparse.Namespace) -> int:
    """The `cross-validate` command."""
    from covid_model.data.manifest import read_manifest
    from covid_model.training.cross_validation import cross_validate
    from covid_model.training.recipes import get_recipe

    config = settings_of(arguments, get_recipe(arguments.model).config)
    table = read_manifest(arguments.manifest)
    record = cross_validate(config, table, arguments.out, count=arguments.folds, without=arguments.without)
    for name, score in record["scores"].items():
        known = score["value"] is not None
        print(f"{name}: " + (f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]" if known else "not defined"))
    return 0
