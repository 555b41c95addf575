"""`audit` and `region`: measure a model's heatmaps and features on held-out images."""

import argparse
from pathlib import Path
from typing import Any, Final

from covid_model.cli.interval import print_interval
from covid_model.models.user_models import folder_of, known_models

WHICH: Final = "one that ships, or that `register` added"
IMAGES: Final = "of the images; those that the model was not trained on count"


def add_commands(commands: Any) -> None:
    """Add `audit` to the top-level subparsers."""
    audit = commands.add_parser(
        "audit", help="attention, lesions, pass lines and source classifier of a model; or shortcuts; or attributes"
    )
    audit.add_argument("--model", choices=known_models(), required=True, help=WHICH)
    audit.add_argument("--manifest", type=Path, required=True, help=IMAGES)
    audit.add_argument("--weights", type=Path, help="folder of weights and card; default: those of the model")
    audit.add_argument(
        "--shortcuts", type=Path, metavar="DIR",
        help="instead: what images tell without lungs, to shortcuts.json in DIR, the folder of the model's report",
    )  # fmt: skip
    audit.add_argument(
        "--attributes", action="store_true",
        help="instead: are source, view, sex, age and markers encoded in its features, and do its logits follow them?",
    )  # fmt: skip
    audit.set_defaults(run=run_audit)

    region = commands.add_parser("region", help="calibrate the part of an image that keeps its class on its own")
    region.add_argument("--model", choices=known_models(), required=True, help=WHICH)
    region.add_argument("--manifest", type=Path, required=True, help=IMAGES)
    region.add_argument("--method", action="append", help="of the heatmap; may be repeated; default: the default method")
    region.add_argument("--out", type=Path, required=True, help="folder of records; a later call continues it")
    region.add_argument("--weights", type=Path, help="folder of weights and card; default: those of the model")
    region.set_defaults(run=run_region)


def run_audit(arguments: argparse.Namespace) -> int:
    """The `audit` command: writes `<model>.source.npz` and `<model>.audit.json`, or `<model>.attributes.json`, beside the
    weights, or shortcuts.json.
    """
    if arguments.shortcuts is not None:
        return _run_shortcuts(arguments)
    if arguments.attributes:
        return _run_attributes(arguments)
    from covid_model.api.model import Model
    from covid_model.audit.audit_model import audit_model
    from covid_model.audit.fit_source_probe import fit_probe
    from covid_model.data.manifest import data_hash, read_manifest
    from covid_model.models.classifier import load
    from covid_model.trust.source_probe import load_probe
    from covid_model.trust.trust_tests.randomisation import passes_on_average

    folder = arguments.weights or folder_of(arguments.model)
    model, table = Model(load(arguments.model, folder=folder)), read_manifest(arguments.manifest)
    probe = load_probe(model.key, model.classifier.weights_digest, folder)
    if probe is None or probe.data_hash != data_hash(table):
        probe = fit_probe(model.classifier, table)
        probe.save(folder)
    record = audit_model(model, table, folder)
    print_interval("source classifier, balanced accuracy", probe.balanced_accuracy)
    for name, interval in record["attention"].items():
        print_interval(f"attention in lungs, {name}", interval)
    for name, scores in record["lesions"]["scores"].items():
        print_interval(f"pointing game on {record['lesions']['images']} outlined images, {name}", scores["hit"])
    for name, found in record["methods"].items():
        passed = "passed" if passes_on_average(found) else "FAILED"
        print(f"weight randomisation, {name}: {passed} (pairs {found['pairs']['ssim']:.3f})", end=", ")
        print_interval("similarity", found["randomisation"])
    return 0


def run_region(arguments: argparse.Namespace) -> int:
    """The `region` command: writes `<model>.region.json` beside the weights."""
    from covid_model.api.model import Model
    from covid_model.audit.calibrate_region import calibrate_region, lines
    from covid_model.data.manifest import read_manifest
    from covid_model.explain.methods import DEFAULT_METHOD, get_method
    from covid_model.models.classifier import load

    methods = [get_method(name).key for name in arguments.method or [DEFAULT_METHOD]]
    folder = arguments.weights or folder_of(arguments.model)
    model = Model(load(arguments.model, folder=folder))
    record = calibrate_region(model, read_manifest(arguments.manifest), methods, arguments.out, folder)
    print(*lines(record), sep="\n")
    return 0


def _run_shortcuts(arguments: argparse.Namespace) -> int:
    from covid_model.audit.shortcuts import audit_shortcuts
    from covid_model.data.manifest import read_manifest
    from covid_model.models.classifier import load

    classifier = load(arguments.model, folder=arguments.weights)
    report = audit_shortcuts(classifier, read_manifest(arguments.manifest), arguments.shortcuts)
    for name, row in report["matrix"].items():
        print_interval(f"AUC, fitted and tested on {name}", row[name])
        print_interval(f"  source told from it, balanced accuracy, {name}", report["source"][name])
    for name, interval in report["without_network"].items():
        print_interval(f"AUC from {name} alone", interval)
    print_interval("share of predictions that a pasted R changes", report["marker_flips"])
    for key, interval in report["told"].items():
        print_interval(f"{key} told from whole images, balanced accuracy", interval)
    for fitted, cells in report["between_sources"].items():
        for tested, cell in cells.items():
            if cell["value"] is not None:
                print_interval(f"AUC, fitted on {fitted}, tested on {tested}", cell)
    print_interval("AUC elsewhere, as shuffled patches estimate it", report["elsewhere"]["estimate"])
    leakage = report["leakage"]
    print(f"across splits: {leakage['patients']} patients, {leakage['near_duplicates']} near-duplicate pairs")
    return 0


def _run_attributes(arguments: argparse.Namespace) -> int:
    from covid_model.audit.attributes import audit_attributes
    from covid_model.data.manifest import read_manifest
    from covid_model.models.classifier import load
    from covid_model.trust.ledger import ledger

    folder = arguments.weights or folder_of(arguments.model)
    record = audit_attributes(load(arguments.model, folder=folder), read_manifest(arguments.manifest), folder)
    for row in ledger(record):
        print(f"{row.title}\n  {row.encoded}\n  {row.used}", *([f"\n  {row.sensitive}"] if row.sensitive else []), sep="")
    return 0
