"""`predict` and `explain`: one record for each image."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from covid_model.backends.base import Progress, use_one_thread
from covid_model.cli import archive
from covid_model.data.image_files import files_below, why_passed_over
from covid_model.errors import CovidModelError, ExplainError
from covid_model.explain.methods import DEFAULT_METHOD, METHODS, get_method
from covid_model.images.read import printable
from covid_model.models.specs import DEFAULT_MODEL
from covid_model.models.user_models import available_models
from covid_model.threads import IN_FLIGHT, in_order

if TYPE_CHECKING:
    from covid_model.api.model import Model
    from covid_model.share.batch import Job

Record = dict[str, Any]


def add_commands(commands: Any) -> None:
    """Add `predict` and `explain` to the top-level subparsers."""
    predict = commands.add_parser("predict", help="class probabilities of images")
    _image_arguments(predict)
    predict.add_argument("--json", action="store_true", help="one JSON object a line instead of readable text")
    predict.set_defaults(run=run_predict)

    explain = commands.add_parser("explain", help="heatmaps of images: overlay, raw map and record")
    _image_arguments(explain)
    explain.add_argument(
        "--method",
        default=DEFAULT_METHOD,
        metavar="KEY[,KEY]",
        help=f"one or more of {', '.join(METHODS)}, or all; default: %(default)s",
    )
    explain.add_argument("--target", help='class to explain, or "A - B"; default: the predicted class')
    explain.add_argument("--layer", help="explanation layer; default: the first on the model's card")
    explain.add_argument("--seed", type=int, default=0, help="for methods that draw random numbers")
    explain.add_argument("--trust", action="store_true", help="run the trust tests on every heatmap")
    explain.add_argument("--out", type=Path, required=True, help="folder for the results; finished images are not repeated")
    for option in {option.name: option for row in METHODS.values() for option in row.options}.values():
        owners = ", ".join(row.key for row in METHODS.values() if option.name in {o.name for o in row.options})
        kind = option.choices or f"{option.low:g} to {option.high:g}"
        explain.add_argument(
            f"--{option.name}",
            type=type(option.default),
            choices=option.choices or None,
            help=f"{option.label.lower()}, for {owners}" + ("" if option.choices else f"; {kind}"),
        )
    archive.add_arguments(explain)
    explain.set_defaults(run=run_explain)


def _image_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="*", metavar="FILE", help="PNG, JPEG, WebP, BMP, TIFF or DICOM, or a folder of them")
    parser.add_argument("--image", action="append", default=[], metavar="PATH", help="the same as FILE")
    parser.add_argument("--force", action="store_true", help="also work on images that the input check refuses")
    parser.add_argument("--model", choices=available_models(), default=DEFAULT_MODEL, help="default: %(default)s")


def _each_image(arguments: argparse.Namespace, work: Callable[["Model", str, Progress], Record]) -> Iterable[Record]:
    """`work` with the model on each file, several at a time; one that fails becomes a record with `error`, and all go on.

    Records come in the files' order. A folder without files fails, too: nothing that was named is passed over in silence.
    """
    named = (*arguments.file, *arguments.image)
    if not named:
        raise CovidModelError("No image given; name one or more files, e.g. `predict image.png`.")
    paths = [path for given in named for path in _files(given) or [given]]
    from covid_model.api.load import load_model

    if len(paths) > IN_FLIGHT:  # they fill the cores by themselves; more threads would wait for each other
        use_one_thread()
    model = load_model(arguments.model)

    def record(path: str, progress: Progress) -> Record:
        try:
            return {"file": printable(path), **work(model, path, progress)}
        except CovidModelError as error:
            return {"file": printable(path), "error": str(error)}

    records = in_order(record, paths)
    yield from tqdm(records, total=len(paths), unit="image", disable=len(paths) < 2 or None, file=sys.stderr)


def _files(given: str) -> list[str]:
    """A file as it is; of a folder every image in it, at any depth. What is passed over is counted on standard error."""
    root = Path(given)
    if not root.is_dir():
        return [given]
    reasons = {path: why_passed_over(path, root) for path in files_below(root)}
    passed_over = Counter(reason for reason in reasons.values() if reason)
    if passed_over:
        counts = ", ".join(f"{reason} ({count:,})" for reason, count in sorted(passed_over.items()))
        print(f"{printable(given)}: passed over {counts}", file=sys.stderr)
    return [str(path) for path, reason in reasons.items() if not reason]


def _print(record: Record, as_json: bool, text: Callable[[Record], str]) -> None:
    """One record to standard output; through tqdm, so that the progress bar on standard error stays whole."""
    if as_json:
        tqdm.write(json.dumps(record, ensure_ascii=False, allow_nan=False))
    else:
        tqdm.write(f"{record['file']}: error: {record['error']}" if "error" in record else text(record))


def run_predict(arguments: argparse.Namespace) -> int:
    """The `predict` command."""
    from covid_model.api.load import read_image

    def work(model: "Model", path: str, _: Progress) -> Record:
        prediction = model.predict(read_image(path), force=arguments.force)
        return {
            "model": prediction.model,
            "probabilities": {name: round(value, 4) for name, value in prediction.probabilities.items()},
            "predicted": prediction.predicted,
            "head": prediction.head,
            "called": list(prediction.called),
            "below_mark": prediction.below_mark,
            "lungs": prediction.prepared.lungs.quality,
            "input_check": prediction.input_check.kind if prediction.input_check else None,
            "warnings": list(prediction.warnings),
            "seconds": round(prediction.seconds, 3),
        }

    def text(record: Record) -> str:
        shares = ", ".join(f"{name} {value:.1%}" for name, value in record["probabilities"].items())
        notes = "".join(f"\n  note: {warning}" for warning in record["warnings"])
        called = ", ".join(record["called"]) or "none of its classes"
        below = ", below its mark of 95% specificity" if record["below_mark"] else ""
        return f"{record['file']}: {called}{below} ({shares}; lungs {record['lungs']}){notes}"

    return _finish(_each_image(arguments, work), arguments.json, text)


def run_explain(arguments: argparse.Namespace) -> int:
    """The `explain` command."""
    job = _job(arguments)
    if arguments.images is not None:
        return archive.run_archive(arguments, job)
    archive.require_images(arguments)
    from covid_model.share.batch import explain_file, write_table

    rows: list[Record] = []

    def work(model: "Model", path: str, progress: Progress) -> Record:
        row, before = explain_file(model, Path(path), job, arguments.out, progress)
        return {"row": row, "before": before}

    def text(record: Record) -> str:
        row = record["row"]
        parts = [_summary(row, method, arguments.out) for method in job.methods]
        likeliest = row[f"probability/{row['predicted']}"]
        answer = f"{row['called']} ({row['predicted']} {likeliest:.1%})"
        return f"{record['file']}: {'done before; ' if record['before'] else ''}{answer}, {', '.join(parts)}"

    def records() -> Iterator[Record]:
        for record in _each_image(arguments, work):
            if "row" in record:
                rows.append(record["row"])
            yield record

    try:
        return _finish(records(), False, text)
    finally:
        if rows:
            tqdm.write(f"{len(rows)} {'image' if len(rows) == 1 else 'images'}: {write_table(rows, arguments.out)}")


def _job(arguments: argparse.Namespace) -> "Job":
    """The job of the flags. Raises ExplainError for unknown methods and for settings that no chosen method has."""
    from covid_model.share.batch import Job

    methods = tuple(METHODS) if arguments.method == "all" else tuple(arguments.method.split(","))
    options = {option.name: option for key in methods for option in get_method(key).options}
    every = {option.name for row in METHODS.values() for option in row.options}
    chosen = {name: value for name in every if (value := getattr(arguments, name)) is not None}
    for name, value in chosen.items():
        if name not in options:
            raise ExplainError(f"--{name} is not a setting of {', '.join(methods)}; --help lists the methods that have it.")
        options[name].checked(value)
    return Job(methods, arguments.target, arguments.layer, arguments.seed, arguments.trust, chosen, arguments.force)


def _summary(row: Record, method: str, out: Path) -> str:
    """Where a method's record is, and its verdict with the reason where there is one."""
    verdict = row.get(f"{method}/verdict")
    why = row.get(f"{method}/why")  # rows of an earlier version have none
    return f"{out / row[f'{method}/record']}" + (f" ({': '.join(filter(None, (verdict, why)))})" if verdict else "")


def _finish(records: Iterable[Record], as_json: bool, text: Callable[[Record], str]) -> int:
    """Print every record; 2 when any image failed, else 0."""
    failed = 0
    for record in records:
        _print(record, as_json, text)
        failed += "error" in record
    return 2 if failed else 0
