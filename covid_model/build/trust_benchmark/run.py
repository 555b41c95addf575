"""The whole benchmark: train, measure and write one small file a model, then summarise. An interrupted run continues."""

import gc
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from covid_model import __version__
from covid_model.build.trust_benchmark import causal, drawn, measure, networks, shortcuts
from covid_model.build.trust_benchmark.plan import Planned
from covid_model.build.trust_benchmark.planted_maps import planted_methods
from covid_model.errors import DataError
from covid_model.files import write_json

Record = dict[str, Any]

MODELS_FOLDER: Final = "models"


def settings_digest() -> str:
    """Sha256 of the code that draws, trains and measures; records of other code are not mixed with these."""
    modules = (shortcuts, drawn, networks, causal, measure)
    return sha256(b"".join(Path(module.__file__ or "").read_bytes() for module in modules)).hexdigest()


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
    found = measure.measure(classifier, planned.network, planned.kind, effects, planned.seed)
    seconds = {"training": trained - start, "measuring": time.perf_counter() - trained}
    return {**known, **found, "seconds": seconds, "code": settings_digest(), "version": __version__}


def records(models: Sequence[Planned], folder: Path) -> Iterator[Record]:
    """The record of each model, read where an earlier call finished it. Raises DataError where `folder` cannot be written.

    Of earlier calls with other code nothing is used; their records are replaced.
    """
    kept = folder / MODELS_FOLDER
    code = settings_digest()
    try:
        kept.mkdir(parents=True, exist_ok=True)
        for planned in tqdm(models, desc="trust benchmark", unit="model", disable=None):
            path = kept / f"{planned.name}.json"
            known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
            if known.get("code") != code:
                with planted_methods():
                    known = measured_model(planned)
                write_json(path, known, indent=None)
                gc.collect()
            yield known
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}.") from error
