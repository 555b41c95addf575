"""`audit`: what a model's heatmaps and features are worth over test images. `tour`: three images that show it."""

import argparse
from pathlib import Path
from typing import Any

from covid_model.models.specs import SHIPPED
from covid_model.models.user_models import folder_of, known_models


def add_commands(commands: Any) -> None:
    """Add `audit` and `tour` to the top-level subparsers."""
    audit = commands.add_parser("audit", help="attention, lesions, pass lines and the source classifier of a model")
    audit.add_argument("--model", choices=known_models(), required=True)
    audit.add_argument("--manifest", type=Path, required=True)
    audit.add_argument("--weights", type=Path, help="folder of weights and card; default: where the model lies")
    audit.set_defaults(run=run_audit)

    tour = commands.add_parser("tour", help="find the images of the guided tour among the synthetic ones")
    tour.add_argument("--model", action="append", choices=known_models(), help="may be repeated; default: all that ship")
    tour.set_defaults(run=run_tour)


def run_audit(arguments: argparse.Namespace) -> int:
    """The `audit` command: writes `<model>.source.json` and `<model>.audit.json` beside the weights."""
    from covid_model.audit.probe import fit_probe
    from covid_model.audit.record import measure
    from covid_model.data.manifest import read_manifest
    from covid_model.models.classifier import load

    folder = arguments.weights or folder_of(arguments.model)
    classifier, table = load(arguments.model, folder=folder), read_manifest(arguments.manifest)
    probe = fit_probe(classifier, table)
    probe.save(folder)
    record = measure(classifier, table, folder)
    _say("source classifier, balanced accuracy", probe.balanced_accuracy)
    for name, interval in record["attention"].items():
        _say(f"attention in lungs, {name}", interval)
    for name, scores in record["lesions"]["scores"].items():
        _say(f"pointing game on {record['lesions']['images']} outlined images, {name}", scores["hit"])
    for name, found in record["methods"].items():
        passed = "passed" if found["randomisation"]["passed"] else "FAILED"
        print(f"weight randomisation, {name}: {passed} (pairs {found['pairs']['ssim']:.3f})", end=", ")
        _say("similarity", found["randomisation"])
    return 0


def run_tour(arguments: argparse.Namespace) -> int:
    """The `tour` command."""
    from covid_model.data.synthetic_samples import shipped_samples
    from covid_model.input_check.features import FeatureExtractor
    from covid_model.lungs.segment import LungSegmenter
    from covid_model.models.classifier import load
    from covid_model.share.tour import find_tour, write_tour

    segmenter = LungSegmenter.load()
    classifiers = {key: load(key, segmenter) for key in arguments.model or SHIPPED}
    tour = find_tour(classifiers.values(), FeatureExtractor(segmenter), shipped_samples().values())
    write_tour(tour, {key: classifiers[key].weights_digest for key in {found.model for found in tour.values()}})
    for key, found in tour.items():
        print(f"{key}: {found.model} says {found.predicted} ({found.probability:.0%}) of {found.image}; {found.verdict}")
    return 0


def _say(title: str, interval: dict[str, Any]) -> None:
    if interval["low"] is None:
        print(f"{title}: {interval['value']}")
    else:
        print(f"{title}: {interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]")
