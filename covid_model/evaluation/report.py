"""The evaluation report, from which every score on a card or a page is read: `python -m covid_model evaluate`."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.data.manifest import data_hash
from covid_model.errors import DataError, ModelError
from covid_model.evaluation.cases import Cases
from covid_model.evaluation.outputs import clusters, image_outputs
from covid_model.evaluation.parts import operating_points_of, scored_test, scored_whole
from covid_model.evaluation.stored import PREDICTIONS, REPORT, probability_column
from covid_model.evaluation.subsets import SUBSETS
from covid_model.files import write_json, written_whole
from covid_model.models.calibration import calibrated
from covid_model.models.card import read_card, write_card
from covid_model.models.classifier import Classifier
from covid_model.models.user_models import row_of

ImageOutputs = Callable[[Classifier, pd.DataFrame], tuple[NDArray[np.float32], NDArray[np.float16]]]

REPEATS: Final = 20
EMBEDDINGS: Final = "embeddings.npy"
DIGITS: Final = 6
"""Digits after the point of every number in a report."""
ON_CARD: Final = ("images", "patients", "scores", "confusion", "by_source", "by_subset")
"""What of a split goes to the model's card."""


def evaluate(
    classifier: Classifier, table: pd.DataFrame, out: Path, outputs: ImageOutputs = image_outputs
) -> dict[str, Any]:
    """Score a classifier on the validation and test splits, write `report.json` and `predictions.parquet` to `out`.

    outputs: gives the classifier's outputs for rows of the table, as `image_outputs` does.

    `embeddings.npy` there holds the model's features of the images, (n, features) float16, by the predictions' `embedding`.
    Images with a label that the model does not know are left out and counted. Returns the report. Raises DataError where
    no test image remains.
    """
    card, row = classifier.card, row_of(classifier.key)
    held = table[table["split"].isin(["val", "test"])]
    known = held[held["label"].isin(row.labels)].reset_index(drop=True)
    if not (known["split"] == "test").any():
        raise DataError(
            f"The manifest holds no test image with a label that {classifier.key!r} knows; images labelled "
            f"{', '.join(row.labels)} would work."
        )
    logits, features = outputs(classifier, known)
    cases = Cases(
        classes=card.classes,
        label=known["label"].map(row.class_of).to_numpy(np.int64),
        probabilities=classifier.probabilities(logits),
        patients=known["patient"].to_numpy(str),
        head=card.head,
        uncalibrated=calibrated(logits, 1.0, card.head),
    )
    known = known.assign(cluster=clusters(features))
    subsets = {key: subset.rows(known, card) for key, subset in SUBSETS.items()}
    report = {
        "model": classifier.key,
        "title": card.title,
        "weights_sha256": classifier.weights_digest,
        "data_hash": data_hash(table),
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "classes": list(card.classes),
        "head": card.head,
        "temperature": card.temperature,
        "left_out": len(held) - len(known),
        "milliseconds": _milliseconds(classifier),
        **measured(known, cases, card.thresholds, subsets),
    }
    written = write_report(report, predictions(known, cases, classifier.weights_digest), out)
    with written_whole(out / EMBEDDINGS) as partial, partial.open("wb") as stream:
        np.save(stream, features)
    return written


def write_report(report: dict[str, Any], rows: pd.DataFrame, out: Path) -> dict[str, Any]:
    """Write a report and its predictions to the folder `out`; returns the report as it was written."""
    report = rounded(report)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / REPORT, report, indent=None)
    with written_whole(out / PREDICTIONS) as partial:
        rows.to_parquet(partial, index=False, compression="zstd")
    return report


def measured(
    known: pd.DataFrame,
    cases: Cases,
    thresholds: dict[str, dict[str, float]],
    subsets: dict[str, NDArray[np.bool_]],
) -> dict[str, Any]:
    """All that a report measures. known: manifest rows, with `cluster`. cases: of the same rows. thresholds: as on the card.

    subsets: key -> (n,) bool. Operating points and conformal sets need validation images; without any they are left out.
    """
    inside = {split: (known["split"] == split).to_numpy() for split in ("val", "test")}
    val = cases.where(inside["val"]) if inside["val"].any() else None
    points = operating_points_of(val) if val else {}
    splits = {"val": scored_whole(val, thresholds)} if val else {}
    chosen = {key: rows[inside["test"]] for key, rows in subsets.items()}
    test = scored_test(known[inside["test"]], cases.where(inside["test"]), val, thresholds, points, chosen)
    return {"splits": splits | {"test": test["split"]}, **test["report"]}


def predictions(known: pd.DataFrame, cases: Cases, digest: str) -> pd.DataFrame:
    """One row an image: digest, source, patient (a number), class, split, cluster, embedding, and probabilities.

    embedding: its row in `embeddings.npy`. digest: of the model's weights; where `data measure` measured the manifest with
    them, `attention` is there as well. Nothing names a file or a person.
    """
    names = np.array(cases.classes, dtype=object)
    table = pd.DataFrame(
        {
            "digest": known["digest"],
            "source": known["source"],
            "patient": np.unique(cases.patients, return_inverse=True)[1],
            "split": known["split"],
            "class": names[cases.label],
            "predicted": names[cases.predicted],
            "cluster": known["cluster"],
            "embedding": np.arange(len(known), dtype=np.int32),
        }
    )
    for k, name in enumerate(cases.classes):
        table[probability_column(name)] = cases.probabilities[:, k].astype(np.float32)
    if {"attention", "weights"} <= set(known) and (known["weights"] == digest).all():
        table["attention"] = known["attention"].astype(np.float32)
    return table.reset_index(drop=True)


def rounded(part: Any) -> Any:
    """A report with DIGITS digits after the point; NaN and infinity, which JSON does not have, become None."""
    if isinstance(part, dict):
        return {key: rounded(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [rounded(value) for value in part]
    if isinstance(part, float):
        return round(float(part), DIGITS) if np.isfinite(part) else None
    return part


def _milliseconds(classifier: Classifier) -> float:
    """Milliseconds of a forward pass of one image, without preprocessing and lungs: the median of REPEATS."""
    spec, taken = classifier.card.preprocessing, []
    image = np.zeros((1, *spec.size, spec.channels), np.float32)
    classifier.logits(image)
    for _ in range(REPEATS):
        begun = time.perf_counter()
        classifier.logits(image)
        taken.append(1000 * (time.perf_counter() - begun))
    return float(np.median(taken))


def write_scores(report: dict[str, Any], folder: Path) -> None:
    """Put a report's scores, with what they were measured on, into the card of its model in `folder`.

    Of the validation split only the totals, which are the own split of recipes that use the manifest's. Raises ModelError
    when the report is about other weights than the card.
    """
    path = folder / row_of(report["model"]).card_name
    card = read_card(path)
    if card.weights_sha256 != report["weights_sha256"]:
        raise ModelError(f"The report is about other weights than {path.name}; evaluate again.")
    about = {key: report[key] for key in ("date", "data_hash", "version", "milliseconds")}
    splits = {name: {key: part[key] for key in ON_CARD if key in part} for name, part in report["splits"].items()}
    write_card(card.with_scores({**about, **splits}), path)
