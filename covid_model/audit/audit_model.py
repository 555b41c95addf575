"""Audit one model over many images: `python -m covid_model audit` writes what trust tests and pages read."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model import __version__
from covid_model.api.model import Model
from covid_model.audit.outline import made_from
from covid_model.data.lesions import is_outlined, lesion_mask
from covid_model.data.manifest import data_hash
from covid_model.evaluation.bootstrap import Interval, mean_interval, share_interval
from covid_model.explain.methods import DEFAULT_METHOD, METHODS
from covid_model.files import write_json
from covid_model.images.read import load_image
from covid_model.models.predict import predict
from covid_model.trust.audit_record import AuditRecord
from covid_model.trust.baseline_maps import BASELINE_MAPS
from covid_model.trust.localisation import lesion_scores
from covid_model.trust.maps import change, rank_correlation, ssim
from covid_model.trust.score import TrustInput
from covid_model.trust.trust_tests import TRUST_TESTS
from covid_model.trust.trust_tests.randomisation import cascade

PAIRS: Final = 50
IMAGES: Final = 40
IMAGES_SLOW: Final = 12
"""Images for each method, and for each slow method."""


def audit_model(model: Model, table: pd.DataFrame, folder: Path, seed: int = 0) -> AuditRecord:
    """Audit one model on the test split of a manifest, write `<model>.audit.json` to `folder` and return its content.

    Each part is kept in `<model>.audit.parts` there as soon as it is measured, so that an interrupted call continues.
    """
    test = table[table["split"] == "test"].reset_index(drop=True)
    sample = test.sample(min(IMAGES, len(test)), random_state=seed)
    of = {**made_from(model.classifier), "data_hash": data_hash(table), "version": __version__}
    parts = folder / f"{model.key}.audit.parts"
    parts.mkdir(parents=True, exist_ok=True)
    kept = partial(_kept, parts, {**of, "seed": seed})
    record = {
        "model": model.key,
        **of,
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "default_method": DEFAULT_METHOD,
        "attention": kept("attention", lambda: attention(model, test)),
        "lesions": kept("lesions", lambda: lesions(model, test)),
        "methods": {method: kept(method, partial(of_method, model, method, sample, seed)) for method in METHODS},
    }
    write_json(folder / f"{model.key}.audit.json", record)
    shutil.rmtree(parts)
    return record


def _kept(parts: Path, of: dict[str, Any], name: str, measure: Callable[[], AuditRecord]) -> AuditRecord:
    """One part, read from the folder `parts` where an earlier call measured it with the same `of`."""
    path = parts / f"{name}.json"
    if not path.is_file() or json.loads(path.read_text("utf-8"))["of"] != of:
        write_json(path, {"of": of, "found": measure()})
    found: AuditRecord = json.loads(path.read_text("utf-8"))["found"]
    return found


def _trust_inputs(
    model: Model, rows: pd.DataFrame, method: str, title: str, *, true_class: bool = False
) -> Iterable[tuple[TrustInput, str]]:
    """The trust input and the patient for each image, explained for its predicted class or for its true one.

    An older audit record of the model does not enter: what is measured here is what such a record is made of.
    """
    for row in tqdm(rows.itertuples(), desc=f"{model.key}: {title}", total=len(rows), unit="image", disable=None):
        image = load_image(Path(row.path))
        prediction = predict(model.classifier, image)
        target = row.label if true_class and row.label in model.classes else prediction.predicted
        lesions_drawn = lesion_mask(Path(row.path), image.shape)
        result = model.explain(image, method, target, prediction=prediction, lesions=lesions_drawn)
        yield replace(result.inputs, measured={}), row.patient


def attention(model: Model, rows: pd.DataFrame) -> AuditRecord:
    """Mean share of the default method's map inside the lungs, and of baselines, over all images with lungs and a map."""
    values: dict[str, list[float]] = {}
    patients = []
    for inputs, patient in _trust_inputs(model, rows, DEFAULT_METHOD, "attention in lungs"):
        score = TRUST_TESTS["attention"].run(inputs)
        if score.value is not None and inputs.prediction.prepared.lungs.quality != "failed":
            patients.append(patient)
            known = {"share": score.value, "of_image": score.details["of_image"], "of_seen": score.details["of_seen"]}
            for name, value in (known | score.details["baseline_maps"]).items():
                values.setdefault(name, []).append(value)
    return {name: asdict(mean_interval(patients, np.array(several))) for name, several in values.items()}


def lesions(model: Model, rows: pd.DataFrame) -> AuditRecord:
    """Pointing game, share inside and precision of methods and baseline maps, on images that radiologists outlined."""
    outlined = rows[[is_outlined(Path(path)) for path in rows["path"]]]
    found: dict[str, dict[str, list[float]]] = {}
    patients: list[str] = []
    for method in (key for key, row in METHODS.items() if not row.slow):
        patients = []
        for inputs, patient in _trust_inputs(model, outlined, method, f"lesions, {method}", true_class=True):
            assert inputs.lesions is not None
            patients.append(patient)
            maps = {method: inputs.explanation.heatmap}
            if method == DEFAULT_METHOD:
                lungs = inputs.prediction.prepared.lungs.mask
                maps |= {name: draw(inputs.image.pixels, lungs) for name, draw in BASELINE_MAPS.items()}
            for name, heatmap in maps.items():
                for score, value in lesion_scores(heatmap, inputs.lesions).items():
                    found.setdefault(name, {}).setdefault(score, []).append(value)
    means = {
        name: {score: asdict(_interval(score, patients, values)) for score, values in scores.items()}
        for name, scores in found.items()
    }
    return {"images": len(outlined), "scores": means}


def _interval(score: str, patients: list[str], values: list[float]) -> Interval:
    """Of `lesion_scores`, a hit is a share of images."""
    mean = share_interval if score == "hit" else mean_interval
    return mean(patients, np.nan_to_num(np.array(values)))


def of_method(model: Model, method: str, rows: pd.DataFrame, seed: int) -> AuditRecord:
    """How similar a method's maps of unrelated images are, and its maps of shuffled weights to the originals."""
    chosen = rows.head(IMAGES_SLOW) if METHODS[method].slow else rows
    maps: list[NDArray[np.float32]] = []
    randomised, seconds, patients = [], [], []
    for inputs, patient in _trust_inputs(model, chosen, method, method):
        maps.append(inputs.small_map)
        randomised.append(cascade(inputs, 1)[-1]["ssim"])
        seconds.append(inputs.explanation.seconds)
        patients.append(patient)
    pairs = pairs_of(maps, np.random.default_rng(seed))
    similarity = mean_interval(patients, np.array(randomised))
    return {
        "images": len(maps),
        "pairs": pairs,
        "randomisation": asdict(similarity),
        "seconds": float(np.median(seconds)),
    }


def pairs_of(maps: list[NDArray[np.float32]], rng: np.random.Generator) -> dict[str, float]:
    """Means over PAIRS random pairs of different images."""
    pairs = [rng.choice(len(maps), 2, replace=False) for _ in range(PAIRS)]
    measured = [(ssim(maps[a], maps[b]), rank_correlation(maps[a], maps[b]), change(maps[a], maps[b])) for a, b in pairs]
    return {"count": PAIRS, **dict(zip(("ssim", "rank", "change"), np.mean(measured, axis=0).tolist(), strict=True))}
