"""`predict` and `explain`: films in, one record a film out."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from covid_model.errors import CovidModelError
from covid_model.explain.methods import METHODS
from covid_model.zoo.models import DEFAULT_MODEL, MODELS

Record = dict[str, Any]


def add_commands(commands: Any) -> None:
    """Add `predict` and `explain` to the top-level subparsers."""
    predict = commands.add_parser("predict", help="class probabilities of films")
    _film_arguments(predict)
    predict.add_argument("--json", action="store_true", help="one JSON object a line instead of readable text")
    predict.set_defaults(run=run_predict)

    explain = commands.add_parser("explain", help="heatmaps of films: overlay, raw map and record")
    _film_arguments(explain)
    explain.add_argument("--method", choices=METHODS, default="gradcam", help="default: %(default)s")
    explain.add_argument("--target", help='class to explain, or "A - B"; default: the predicted class')
    explain.add_argument("--layer", help="explanation layer; default: the first the model's card names")
    explain.add_argument("--seed", type=int, default=0, help="for methods that draw random numbers")
    explain.add_argument("--out", type=Path, required=True, help="folder for the results")
    explain.set_defaults(run=run_explain)


def _film_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="*", metavar="FILE", help="PNG, JPEG, WebP, BMP, TIFF or DICOM")
    parser.add_argument("--image", action="append", default=[], metavar="PATH", help="the same as FILE")
    parser.add_argument("--model", choices=MODELS, default=DEFAULT_MODEL, help="default: %(default)s")


def _each_film(arguments: argparse.Namespace, work: Callable[[str], Record]) -> Iterable[Record]:
    """`work` on every file, in order; a file that fails becomes a record with `error`, and the run goes on."""
    paths = [*arguments.file, *arguments.image]
    if not paths:
        raise CovidModelError("No film given; name one or more files, e.g. `predict film.png`.")
    for path in tqdm(paths, unit="film", disable=len(paths) < 2, file=sys.stderr):
        try:
            yield {"file": path, **work(path)}
        except CovidModelError as error:
            yield {"file": path, "error": str(error)}


def _print(record: Record, as_json: bool, text: Callable[[Record], str]) -> None:
    """One record to standard output; through tqdm, so that the progress bar on standard error stays whole."""
    if as_json:
        tqdm.write(json.dumps(record, ensure_ascii=False))
    else:
        tqdm.write(f"{record['file']}: error: {record['error']}" if "error" in record else text(record))


def run_predict(arguments: argparse.Namespace) -> int:
    """The `predict` command."""
    from covid_model.films.read import load_film
    from covid_model.predict import predict
    from covid_model.zoo.classifier import load

    classifier = load(arguments.model)

    def work(path: str) -> Record:
        answer = predict(classifier, load_film(path))
        return {
            "model": answer.model,
            "probabilities": {name: round(value, 4) for name, value in answer.probabilities.items()},
            "predicted": answer.predicted,
            "lungs": answer.prepared.lungs.quality,
            "warnings": list(answer.warnings),
            "seconds": round(answer.seconds, 3),
        }

    def text(record: Record) -> str:
        shares = ", ".join(f"{name} {value:.1%}" for name, value in record["probabilities"].items())
        notes = "".join(f"\n  note: {warning}" for warning in record["warnings"])
        return f"{record['file']}: {record['predicted']} ({shares}; lungs {record['lungs']}){notes}"

    return _finish(_each_film(arguments, work), arguments.json, text)


def run_explain(arguments: argparse.Namespace) -> int:
    """The `explain` command."""
    from covid_model.explain.engine import explain
    from covid_model.explain.overlay import write_overlay
    from covid_model.films.read import load_film
    from covid_model.predict import predict
    from covid_model.zoo.classifier import load

    classifier = load(arguments.model)

    def work(path: str) -> Record:
        film = load_film(path)
        explanation = explain(
            classifier,
            predict(classifier, film),
            method=arguments.method,
            target=arguments.target,
            layer=arguments.layer,
            seed=arguments.seed,
        )
        # Films of several folders may share a name; the digest keeps them apart.
        stem = f"{Path(path).stem}.{film.digest[:8]}.{arguments.method}"
        record = explanation.save(arguments.out, stem)
        picture = write_overlay(film, explanation, arguments.out / f"{stem}.png")
        return {"record": str(record), "overlay": str(picture), "seconds": round(explanation.seconds, 3)}

    return _finish(_each_film(arguments, work), False, lambda r: f"{r['file']}: {r['overlay']}, {r['record']}")


def _finish(records: Iterable[Record], as_json: bool, text: Callable[[Record], str]) -> int:
    """Print every record; 2 when any film failed, else 0."""
    failed = 0
    for record in records:
        _print(record, as_json, text)
        failed += "error" in record
    return 2 if failed else 0
