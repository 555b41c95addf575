"""What an audit over many films found about one model: `python -m covid_model audit`, read by the panel and the pages."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model import __version__
from covid_model.audit.dummies import DUMMIES
from covid_model.audit.localisation import attention_in_lungs, lesion_scores
from covid_model.audit.maps import change, rank_correlation, ssim
from covid_model.audit.randomisation import cascade
from covid_model.audit.score import Case
from covid_model.data.lesions import is_outlined, lesion_mask
from covid_model.data.manifest import data_hash
from covid_model.evaluation.bootstrap import mean_interval
from covid_model.explain.engine import explain
from covid_model.explain.methods import DEFAULT_METHOD, METHODS, SLOW
from covid_model.files import write_json
from covid_model.films.read import load_film
from covid_model.predict import predict
from covid_model.zoo.classifier import Classifier
from covid_model.zoo.own import folder_of

PAIRS: Final = 50
FILMS: Final = 40
FILMS_SLOW: Final = 12
"""Films that each method, and each slow method, is tried on."""

Record = dict[str, Any]


def load_record(model: str, digest: str, folder: Path | None = None) -> Record:
    """The record beside a model; empty where there is none, or one for other weights."""
    path = (folder or folder_of(model)) / f"{model}.audit.json"
    found: Record = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found if found.get("weights_sha256") == digest else {}


def measure(classifier: Classifier, table: pd.DataFrame, folder: Path, seed: int = 0) -> Record:
    """Audit one model on the test split of a manifest and write `<model>.audit.json` to `folder`."""
    test = table[table["split"] == "test"].reset_index(drop=True)
    sample = test.sample(min(FILMS, len(test)), random_state=seed)
    record = {
        "model": classifier.key,
        "weights_sha256": classifier.weights_digest,
        "data_hash": data_hash(table),
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "default_method": DEFAULT_METHOD,
        "attention": attention(classifier, test),
        "lesions": lesions(classifier, test),
        "methods": {method: of_method(classifier, method, sample, seed) for method in METHODS},
    }
    write_json(folder / f"{classifier.key}.audit.json", record)
    return record


def _cases(
    classifier: Classifier, rows: pd.DataFrame, method: str, title: str, *, true_class: bool = False
) -> Iterable[tuple[Case, str]]:
    """A case and its patient for each film, explained for its predicted class or for its true one."""
    for row in tqdm(rows.itertuples(), desc=f"{classifier.key}: {title}", total=len(rows), unit="film"):
        film = load_film(Path(row.path))
        answer = predict(classifier, film)
        target = row.label if true_class and row.label in classifier.card.classes else answer.predicted
        found = explain(classifier, answer, method=method, target=target)
        yield Case(classifier, film, answer, found, lesions=lesion_mask(Path(row.path), film.shape)), row.patient


def attention(classifier: Classifier, rows: pd.DataFrame) -> Record:
    """Mean share of the default method's map inside the lungs over all films where it can be placed, beside chance."""
    values: dict[str, list[float]] = {}
    patients = []
    for case, patient in _cases(classifier, rows, DEFAULT_METHOD, "attention in lungs"):
        score = attention_in_lungs(case)
        if score.value is not None and case.answer.prepared.lungs.quality != "failed":
            patients.append(patient)
            known = {"share": score.value, "of_film": score.details["of_film"], "of_seen": score.details["of_seen"]}
            for name, value in (known | score.details["dummies"]).items():
                values.setdefault(name, []).append(value)
    return {name: asdict(mean_interval(patients, np.array(several))) for name, several in values.items()}


def lesions(classifier: Classifier, rows: pd.DataFrame) -> Record:
    """Pointing game, mass and precision on the films that radiologists outlined: methods and maps that know nothing."""
    outlined = rows[[is_outlined(Path(path)) for path in rows["path"]]]
    found: dict[str, dict[str, list[float]]] = {}
    patients: list[str] = []
    for method in (key for key, row in METHODS.items() if row.cost <= SLOW):
        patients = []
        for case, patient in _cases(classifier, outlined, method, f"lesions, {method}", true_class=True):
            assert case.lesions is not None
            patients.append(patient)
            maps = {method: case.explanation.film_map}
            if method == DEFAULT_METHOD:
                lungs = case.answer.prepared.lungs.mask
                maps |= {name: draw(case.film.pixels, lungs) for name, draw in DUMMIES.items()}
            for name, film_map in maps.items():
                for score, value in lesion_scores(film_map, case.lesions).items():
                    found.setdefault(name, {}).setdefault(score, []).append(value)
    means = {
        name: {score: asdict(mean_interval(patients, np.nan_to_num(np.array(values)))) for score, values in scores.items()}
        for name, scores in found.items()
    }
    return {"films": len(outlined), "scores": means}


def of_method(classifier: Classifier, method: str, rows: pd.DataFrame, seed: int) -> Record:
    """How alike a method's maps of unrelated films are, and whether it passes weight randomisation (Arun 2021)."""
    chosen = rows.head(FILMS_SLOW) if METHODS[method].cost > SLOW else rows
    maps: list[NDArray[np.float32]] = []
    wrecked, seconds, patients = [], [], []
    for case, patient in _cases(classifier, chosen, method, method):
        maps.append(case.small_map)
        wrecked.append(cascade(case, 1)[-1]["ssim"])
        seconds.append(case.explanation.seconds)
        patients.append(patient)
    pairs = _pairs(maps, np.random.default_rng(seed))
    similarity = mean_interval(patients, np.array(wrecked))
    return {
        "films": len(maps),
        "pairs": pairs,
        "randomisation": {**asdict(similarity), "passed": bool(np.mean(wrecked) < pairs["ssim"])},
        "seconds": float(np.median(seconds)),
    }


def _pairs(maps: list[NDArray[np.float32]], rng: np.random.Generator) -> dict[str, float]:
    """Means over PAIRS random pairs of different films."""
    pairs = [rng.choice(len(maps), 2, replace=False) for _ in range(PAIRS)]
    measured = [(ssim(maps[a], maps[b]), rank_correlation(maps[a], maps[b]), change(maps[a], maps[b])) for a, b in pairs]
    return {"count": PAIRS, **dict(zip(("ssim", "rank", "change"), np.mean(measured, axis=0).tolist(), strict=True))}
