"""`trust-benchmark` and `referees`: how often trust tests and heatmaps are right."""

import argparse
from pathlib import Path
from typing import Any

from covid_model.cli.interval import interval_text
from covid_model.models.specs import SHIPPED
from covid_model.models.user_models import known_models
from covid_model.settings import WEIGHTS


def add_commands(commands: Any) -> None:
    """Add `trust-benchmark` and `referees` to the top-level subparsers."""
    benchmark = commands.add_parser(
        "trust-benchmark", help="measure how often trust tests and verdict are right, on drawn images with planted shortcuts"
    )
    benchmark.add_argument("--out", type=Path, required=True, help="folder of one record a model; a later call continues it")
    benchmark.add_argument("--models", type=int, help="measure only the first of the plan; default: all")
    benchmark.add_argument("--workers", type=int, default=1, help="processes at once; default: %(default)s")
    benchmark.add_argument(
        "--results", type=Path, default=WEIGHTS / "trust-benchmark.json", help="file to write; default: the shipped one"
    )
    benchmark.set_defaults(run=run_trust_benchmark)

    referees = commands.add_parser("referees", help="compare heatmaps with what radiologists marked on images of a manifest")
    referees.add_argument("--manifest", type=Path, required=True)
    referees.add_argument(
        "--model", action="append", choices=known_models(),
        help="may be repeated; default: all that ship. Of others the results keep what was measured on the same images",
    )  # fmt: skip
    referees.add_argument("--out", type=Path, required=True, help="folder of records; a later call continues it")
    referees.add_argument("--results", type=Path, default=WEIGHTS / "referees.json", help="default: the shipped file")
    referees.set_defaults(run=run_referees)


def run_trust_benchmark(arguments: argparse.Namespace) -> int:
    """The `trust-benchmark` command: trains and measures what is missing, and writes the results file."""
    from covid_model.build.trust_benchmark.plan import plan
    from covid_model.build.trust_benchmark.run import records
    from covid_model.build.trust_benchmark.summary import summarise
    from covid_model.files import write_json
    from covid_model.trust.benchmark import benchmark_line

    results = summarise(list(records(plan()[: arguments.models], arguments.out, arguments.workers)))
    write_json(arguments.results, results, indent=None)
    counts = results["counts"]
    print(
        f"{counts['models']} models: {counts['used']} use the shortcut, {counts['not used']} do not, "
        f"{counts['between']} between, {counts['not_learned']} learned nothing"
    )
    print(benchmark_line(results["default_method"], results) or "too few models for error rates")
    for test, found in results["tests"].items():
        useful = {what for half in found["useful"].values() for what, is_useful in half.items() if is_useful}
        print(f"{test}: {'tells ' + ', '.join(sorted(useful)) if useful else 'tells nothing'} on at least one half")
    return 0


def run_referees(arguments: argparse.Namespace) -> int:
    """The `referees` command: scores what is missing, and writes the results file."""
    from covid_model.api.load import load_model
    from covid_model.audit.referee_results import BASELINES
    from covid_model.audit.referee_summary import earlier_results, summarise_referees, with_kept
    from covid_model.audit.referees import measure_referees
    from covid_model.data.manifest import read_manifest
    from covid_model.files import write_json

    before = earlier_results(arguments.results)
    models = [load_model(key) for key in arguments.model or SHIPPED]
    results = summarise_referees(list(measure_referees(models, read_manifest(arguments.manifest), arguments.out)))
    results = with_kept(results, before)
    write_json(arguments.results, results, indent=None)
    for model, date in results.get("kept", {}).items():
        print(f"{model}: as measured {date[:10]}, on the same images")
    for split, referees in results["splits"].items():
        for referee, found in referees.items():
            print(f"{referee}, {split} images: {found['images']} of {found['patients']} patients")
            for one in found["maps"]:
                score = one["scores"][results["primary"][referee]]
                better = (
                    "" if one["model"] == BASELINES else f", to {found['best_baseline']} {interval_text(one['to_baseline'])}"
                )
                print(f"  {one['model']} {one['method']}: {interval_text(score)}{better}")
    return 0
