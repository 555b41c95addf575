"""`trust-benchmark` and `referees`: how often trust tests and heatmaps are right."""

import argparse
from pathlib import Path
from typing import Any

from covid_model.settings import WEIGHTS


def add_commands(commands: Any) -> None:
    """Add `trust-benchmark` to the top-level subparsers."""
    benchmark = commands.add_parser(
        "trust-benchmark", help="measure how often trust tests and verdict are right, on drawn images with planted shortcuts"
    )
    benchmark.add_argument("--out", type=Path, required=True, help="folder of one record a model; a later call continues it")
    benchmark.add_argument("--models", type=int, help="measure only the first of the plan; default: all")
    benchmark.add_argument(
        "--results", type=Path, default=WEIGHTS / "trust-benchmark.json", help="file to write; default: the shipped one"
    )
    benchmark.set_defaults(run=run_trust_benchmark)


def run_trust_benchmark(arguments: argparse.Namespace) -> int:
    """The `trust-benchmark` command: trains and measures what is missing, and writes the results file."""
    from covid_model.build.trust_benchmark.plan import plan
    from covid_model.build.trust_benchmark.run import records
    from covid_model.build.trust_benchmark.summary import summarise
    from covid_model.files import write_json
    from covid_model.trust.benchmark import benchmark_line

    results = summarise(list(records(plan()[: arguments.models], arguments.out)))
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
