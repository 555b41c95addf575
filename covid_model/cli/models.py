"""`train`, `register` and `evaluate`: from a manifest to a model."""

import argparse
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from covid_model.cli import model_file
from covid_model.cli.archive import add_engine, worker_of
from covid_model.cli.interval import interval_text
from covid_model.errors import DataError, ModelError, RunError
from covid_model.models.specs import MODELS
from covid_model.models.user_models import folder_of, known_models, row_of
from covid_model.training.augment import AUGMENTATIONS
from covid_model.training.config import INITS, PRECISIONS, TrainConfig
from covid_model.training.distribute import WAYS, ReadOnlyRun, Workers, connect_workers
from covid_model.training.recipes import get_recipe, recipe_table
from covid_model.training.source_prior import PRIORS

if TYPE_CHECKING:
    import pandas as pd

    from covid_model.evaluation.stored import StoredReport
    from covid_model.lungs.segment import LungSegmenter
    from covid_model.models.card import Card
    from covid_model.training.classifier import ClassifierTask
    from covid_model.training.run_folder import RunFolder
    from covid_model.training.trainer import Trainer

MANIFEST: Final = Path("manifest.parquet")
"""Where `train --data` puts the manifest that it builds."""


def add_commands(commands: Any) -> None:
    """Add the commands to the top-level subparsers."""
    classifier = commands.add_parser("train", help="train a classifier by its recipe, or resume a run")
    classifier.add_argument("--model", choices=MODELS)
    data = classifier.add_mutually_exclusive_group()
    data.add_argument("--manifest", type=Path, help="as written by `data build`; with --resume only if it was moved")
    data.add_argument(
        "--data", type=Path, metavar="DIR", help="a folder of public downloads, to build a manifest from first"
    )
    classifier.add_argument("--run", dest="folder", type=Path, help="a new folder for the run")
    classifier.add_argument("--resume", type=Path, metavar="DIR", help="resume the run in this folder")
    add_settings(classifier)
    classifier.add_argument(
        "--distribute", choices=WAYS, default="none", help="over this host's graphics cards, or the workers in TF_CONFIG"
    )
    classifier.set_defaults(run=run_train)

    registered = commands.add_parser(
        "register", help="make a finished run or a model file available on every page and in every command"
    )
    registered.add_argument("source", type=Path, metavar="RUN_OR_FILE")
    model_file.add_options(registered)
    registered.set_defaults(run=run_register)

    evaluate = commands.add_parser("evaluate", help="score a classifier on a manifest's validation and test splits")
    evaluate.add_argument(
        "--model", metavar="KEY|FILE", required=True, help="a model, or a file of one, which is registered"
    )
    evaluate.add_argument("--manifest", type=Path, required=True)
    evaluate.add_argument("--weights", type=Path, help="folder of weights and card; default: those of the model")
    evaluate.add_argument("--out", type=Path, required=True, help="folder for report.json and predictions.parquet")
    evaluate.add_argument("--card", action="store_true", help="write the scores into the model's card as well")
    evaluate.add_argument(
        "--heatmaps", action="store_true",
        help="explain the test images as well: mean heatmaps, and the share of each heatmap inside the lungs",
    )  # fmt: skip
    evaluate.add_argument("--verdicts", action="store_true", help="with the verdict on each heatmap: seconds an image")
    add_engine(evaluate, "threads")
    model_file.add_options(evaluate)
    evaluate.set_defaults(run=run_evaluate)

    card = commands.add_parser("card", help="model card and reporting checklist of a model, as Markdown and HTML")
    card.add_argument("--model", choices=known_models(), required=True)
    card.add_argument("--report", type=Path, help="folder of its report; default: the one of its weights")
    card.add_argument("--out", type=Path, required=True, help="folder for model_card.md and model_card.html")
    card.set_defaults(run=run_card)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The settings of a training that flags can change."""
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--head-epochs", type=int)
    parser.add_argument(
        "--frozen", type=float, help="share of the layers, from the image on, that keep their initial weights"
    )
    parser.add_argument("--batch-size", dest="batch", type=int)
    parser.add_argument("--steps", type=int, help="steps an epoch; 0 for one pass over the images")
    parser.add_argument("--learning-rate", type=float, help="largest learning rate")
    parser.add_argument("--augmentation", choices=AUGMENTATIONS)
    parser.add_argument(
        "--source-prior", type=float, help="how much a source with one label teaches, 0 to 1; 0 for as much as any"
    )
    parser.add_argument("--prior-over", choices=PRIORS, help="what the source says: the label, or only normal or not")
    parser.add_argument(
        "--spectrum", type=float, help="largest share of contrast and sharpness taken from another image; 0 for none"
    )
    parser.add_argument("--guide", type=float, help="weight of the attention to radiologists' marks; 0 for none")
    parser.add_argument("--outline", type=float, help="weight of features that tell outlines of lungs apart; 0 for none")
    parser.add_argument("--alike", type=float, help="weight of features that tell sources apart within a label; 0 for none")
    parser.add_argument("--tilt", type=float, help="how much more groups of larger loss count; 0 for no more")
    parser.add_argument("--size", type=int, help="side of the network's input in pixels; 0 for the model's own")
    parser.add_argument("--init", choices=INITS)
    parser.add_argument("--base", metavar="DIR", help="with --init run: the run whose best weights to start from")
    parser.add_argument("--patience", type=int, help="epochs without a lower validation loss; 0 for never")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--precision", choices=PRECISIONS)


def settings_of(arguments: argparse.Namespace, recipe: TrainConfig) -> TrainConfig:
    """The recipe with what the flags change."""
    names = {setting.name for setting in fields(recipe)} - {"model"}
    chosen = {name: value for name in names if (value := getattr(arguments, name, None)) is not None}
    if chosen.get("init", recipe.init) != "run":
        chosen["base"] = ""
    return replace(recipe, **chosen)


def run_train(arguments: argparse.Namespace) -> int:
    """The `train` command. Exit code 1 where the run failed."""
    from covid_model.lungs.segment import LungSegmenter
    from covid_model.training.classifier import resume, stored_table
    from covid_model.training.export import export_model
    from covid_model.training.initial_weights import best_network
    from covid_model.training.run_folder import RunFolder

    if (arguments.folder is None) == (arguments.resume is None):
        raise RunError("Name either --run DIR for a new run or --resume DIR to continue one.")
    workers = connect_workers(arguments.distribute)  # before anything else: workers must meet before TensorFlow is used
    run = (RunFolder if workers.is_chief else ReadOnlyRun)(arguments.resume or arguments.folder)
    segmenter = LungSegmenter.load()
    if arguments.resume:
        table = stored_table(run, arguments.manifest)
        trainer = resume(run, table, segmenter, workers)
    else:
        table, trainer = _started(arguments, run, segmenter, workers)
    state = trainer.train()
    if state != "finished":
        print(f"{state}: {run.status().get('reason', '')}")
        return int(state == "failed")
    if not workers.is_chief:
        return 0
    spec, config, recipe = trainer.task.spec, trainer.task.config, get_recipe(trainer.task.name)
    card = export_model(best_network(run), spec, config, recipe, table, run.path, segmenter)
    print(f"trained {spec.key}; card: {card}")
    return 0


def _started(
    arguments: argparse.Namespace, run: "RunFolder", segmenter: "LungSegmenter", workers: Workers
) -> "tuple[pd.DataFrame, Trainer[ClassifierTask]]":
    """The rows to train on, and a new run of them."""
    from covid_model.data.manifest import read_manifest
    from covid_model.training.classifier import start

    if arguments.model is None:
        raise RunError(f"Name the --model to train: {', '.join(MODELS)}.")
    if arguments.manifest is None and arguments.data is None:
        raise RunError("Name the --manifest to train on, or a folder of public downloads as --data.")
    recipe, manifest = get_recipe(arguments.model), arguments.manifest or _manifest_of(arguments.data)
    table = recipe_table(read_manifest(manifest), recipe)
    return table, start(run, settings_of(arguments, recipe.config), table, segmenter, workers, manifest)


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


def run_register(arguments: argparse.Namespace) -> int:
    """The `register` command."""
    from covid_model.training.register import register
    from covid_model.training.run_folder import RunFolder

    if arguments.source.is_file():
        print(f"--model {model_file.register_file(arguments.source, arguments)}")
        return 0
    print(f"--model {register(RunFolder(arguments.source)).key}")
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """The `evaluate` command."""
    from covid_model.audit.image_outputs import outputs_by
    from covid_model.data.manifest import read_manifest
    from covid_model.evaluation.outputs import image_outputs
    from covid_model.evaluation.report import evaluate, write_scores
    from covid_model.evaluation.stored import read_report
    from covid_model.models.classifier import load

    work_on = worker_of(arguments)
    if arguments.engine and arguments.weights:
        raise ModelError("Workers load models by their key; `register` the run that --weights names, or leave --engine out.")
    table = read_manifest(arguments.manifest)
    key = arguments.model
    if key not in known_models() and Path(key).is_file():
        key = model_file.register_file(Path(key), arguments)
        print(f"--model {key}")
    classifier = load(key, folder=arguments.weights)
    outputs = partial(outputs_by, work_on) if arguments.engine else image_outputs
    report = evaluate(classifier, table, arguments.out, outputs)
    if arguments.card:
        write_scores(report, arguments.weights or folder_of(key))
    _write_card(classifier.card, read_report(arguments.out), arguments.out)
    if arguments.heatmaps or arguments.verdicts:
        from covid_model.api.model import Model
        from covid_model.audit.report_heatmaps import add_heatmaps

        add_heatmaps(Model(classifier), table, read_report(arguments.out), verdicts=arguments.verdicts, work_on=work_on)
    for name, score in report["splits"]["test"]["scores"].items():
        print(f"{name:28s} {interval_text(score)}")
    for slice_ in report["worst"]["slices"][:3]:
        where = ", ".join(f"{column} {value}" for column, value in slice_["conditions"].items())
        print(f"wrong on {slice_['error']['value']:.0%} of {slice_['images']} images: {where} (p {slice_['p']:.3f})")
    return 0


def run_card(arguments: argparse.Namespace) -> int:
    """The `card` command. Raises ModelError where the report is about other weights."""
    from covid_model.evaluation.stored import read_report
    from covid_model.models.card import read_card

    card = read_card(folder_of(arguments.model) / row_of(arguments.model).card_name)
    report = read_report(arguments.report) if arguments.report else None
    if report and report.content["weights_sha256"] != card.weights_sha256:
        raise ModelError(f"The report in {arguments.report} is about other weights than {card.key!r}; evaluate again.")
    arguments.out.mkdir(parents=True, exist_ok=True)
    _write_card(card, report, arguments.out)
    print(f"model card: {arguments.out / 'model_card.html'}")
    return 0


def _write_card(card: "Card", report: "StoredReport | None", out: Path) -> None:
    from covid_model.share.known import known_of
    from covid_model.share.model_card import html_card, markdown_card, sections

    parts = sections(known_of(card, report))
    (out / "model_card.md").write_text(markdown_card(card.title, parts), "utf-8")
    (out / "model_card.html").write_text(html_card(card.title, parts), "utf-8")
