"""The whole benchmark: train, measure and write one small file a model, then summarise. An interrupted run continues."""

import ast
import gc
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from covid_model import __version__
from covid_model.build.trust_benchmark import causal, drawn, measure, networks, shortcuts
from covid_model.build.trust_benchmark.plan import Planned
from covid_model.build.trust_benchmark.planted_maps import planted_methods
from covid_model.errors import DataError
from covid_model.files import write_json
from covid_model.settings import PACKAGE

Record = dict[str, Any]

MODELS_FOLDER: Final = "models"


TRUST: Final = ("trust_tests/*.py", "matched_edits.py", "score.py", "maps.py", "baseline_maps.py", "localisation.py")
"""Files of the package `trust` that the records depend on, beside the methods of explanation."""
CHANGE_NO_RECORD: Final = frozenset({"decides", "required", "ALLOWED", "KEPT"})
"""Names of what says which tests decide and where their lines are: the summary reads these, and records hold the numbers."""


def settings_digest() -> str:
    """Sha256 of the code that draws, trains, explains and tests; records of other code are not mixed with these."""
    own = [Path(module.__file__ or "") for module in (shortcuts, drawn, networks, causal, measure)]
    tests = [path for pattern in TRUST for path in sorted((PACKAGE / "trust").glob(pattern))]
    methods = sorted((PACKAGE / "explain" / "methods").rglob("*.py"))
    return sha256("\0".join(code_of(path.read_text("utf-8")) for path in (*own, *tests, *methods)).encode()).hexdigest()


def code_of(text: str) -> str:
    """Python code without comments, layout, docstrings and the assignments of CHANGE_NO_RECORD.

    >>> code_of("KEPT = 1  # a line") == code_of("'Docs.'")
    True
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [part for part in body if not _changes_no_record(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _changes_no_record(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(target, ast.Name) and target.id in CHANGE_NO_RECORD for target in targets)


def measured_model(planned: Planned) -> Record:
    """Train one model and measure everything about it."""
    start = time.perf_counter()
    classifier = networks.train(planned.network, planned.kind, planned.strength, planned.seed)
    trained = time.perf_counter()
    effects = causal.measure_effects(classifier, planned.network, planned.kind)
    known = {
        **asdict(planned),
        "use": effects.use,
        "shortcut_effect": effects.shortcut,
        "opacity_effect": effects.opacity,
        "auc": effects.auc,
    }
    found = measure.measure(classifier, planned, effects)
    seconds = {"training": trained - start, "measuring": time.perf_counter() - trained}
    return {**known, **found, "seconds": seconds, "code": settings_digest(), "version": __version__}


def records(models: Sequence[Planned], folder: Path, workers: int = 1) -> Iterator[Record]:
    """The record of each model, in order, read where an earlier call finished it. Of other code nothing is used.

    workers: processes that train and measure at once. Raises DataError where `folder` cannot be written.
    """
    one = partial(_record, folder=folder / MODELS_FOLDER, code=settings_digest())
    bar = partial(tqdm, desc="trust benchmark", unit="model", total=len(models), disable=None)
    try:
        (folder / MODELS_FOLDER).mkdir(parents=True, exist_ok=True)
        if workers == 1:
            yield from bar(map(one, models))
        else:
            with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
                yield from bar(pool.map(one, models))
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}.") from error


def _record(planned: Planned, folder: Path, code: str) -> Record:
    """The record of one model, measured and written where it is missing or of other code."""
    path = folder / f"{planned.name}.json"
    known: Record = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if known.get("code") != code:
        with planted_methods():
            known = measured_model(planned)
        write_json(path, known, indent=None)
        gc.collect()
    return known
