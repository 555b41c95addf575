"""The evaluation report, from which every score on a card or a page is read: `python -m covid_model evaluate`."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model import __version__
from covid_model.data.manifest import data_hash
from covid_model.errors import ModelError
from covid_model.evaluation.bootstrap import patient_interval
from covid_model.evaluation.calibrate import SPECIFICITY
from covid_model.evaluation.scores import (
    auc,
    balanced_accuracy,
    confusion,
    expected_calibration_error,
    macro_auc,
    sensitivity,
    specificity,
)
from covid_model.evaluation.subsets import SUBSETS
from covid_model.files import write_json
from covid_model.images.read import load_image
from covid_model.models.calibration import CALLED, Head
from covid_model.models.card import read_card, write_card
from covid_model.models.classifier import Classifier
from covid_model.models.user_models import row_of

BATCH: Final = 32
REPEATS: Final = 20

Statistic = Callable[[NDArray[np.int64]], float]


def image_logits(classifier: Classifier, table: pd.DataFrame) -> NDArray[np.float32]:
    """(images, units) logits of the manifest rows in their order, each image preprocessed as in the app."""
    paths = [Path(path) for path in table["path"]]
    inputs = [
        classifier.prepare(load_image(path)).model_input.pixels
        for path in tqdm(paths, desc=f"preparing for {classifier.key}", unit="image", disable=None)
    ]
    parts = [np.stack(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)]
    return np.concatenate([classifier.logits(part) for part in parts])


def _one_against_rest(
    name: str, truth: NDArray[np.bool_], score: NDArray[np.float64], called: NDArray[np.bool_]
) -> dict[str, Statistic]:
    """AUC, sensitivity and specificity of one class against all others, as functions of image indices."""
    return {
        f"auc/{name}": lambda i: auc(truth[i], score[i]),
        f"sensitivity/{name}": lambda i: sensitivity(truth[i], called[i]),
        f"specificity/{name}": lambda i: specificity(truth[i], called[i]),
    }


def score_images(
    classes: tuple[str, ...],
    label: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    patients: NDArray[np.str_],
    thresholds: dict[str, dict[str, float]],
    head: Head = "multiclass",
) -> dict[str, Any]:
    """Every score on one set of images, as intervals by patient, and the confusion matrix (rows true, columns predicted).

    label: (n,) class indices. probabilities: (n, classes). patients: (n,). thresholds: as on the card; a class without an
    operating point counts from a probability of 1 / classes, or of 50 % in a multilabel model.
    """
    predicted = probabilities.argmax(axis=1)
    statistics: dict[str, Statistic] = {
        "accuracy": lambda i: float((predicted[i] == label[i]).mean()),
        "balanced_accuracy": lambda i: balanced_accuracy(label[i], predicted[i]),
        "ece": lambda i: expected_calibration_error(label[i], probabilities[i]),
    }
    statistics["auc/macro"] = lambda i: macro_auc(label[i], probabilities[i])
    for k, name in enumerate(classes):
        truth, score = label == k, probabilities[:, k]
        even = CALLED if head == "multilabel" else 1 / len(classes)
        point = thresholds.get(name, {}).get(f"specificity_{SPECIFICITY}", even)
        statistics |= _one_against_rest(name, truth, score, score >= point)
    scores = {key: asdict(patient_interval(patients, run)) for key, run in statistics.items()}
    return {
        "images": len(label),
        "patients": len(np.unique(patients)),
        "scores": scores,
        "confusion": confusion(label, predicted, len(classes)),
    }


def evaluate(classifier: Classifier, table: pd.DataFrame, out: Path) -> dict[str, Any]:
    """Score a classifier on the validation and test splits, write `report.json` and `predictions.parquet` to `out`.

    Images with a label that the model does not know are left out and counted. Returns the report.
    """
    card = classifier.card
    held = table[table["split"].isin(["val", "test"])]
    row = row_of(classifier.key)
    known = held[held["label"].isin(row.labels)].reset_index(drop=True)
    logits = image_logits(classifier, known)
    probabilities = classifier.probabilities(logits)
    label = known["label"].map(row.class_of).to_numpy(np.int64)
    patients = known["patient"].to_numpy(str)

    def part(chosen: NDArray[np.bool_]) -> dict[str, Any]:
        return score_images(card.classes, label[chosen], probabilities[chosen], patients[chosen], card.thresholds, card.head)

    splits = {}
    for split in ("val", "test"):
        inside = (known["split"] == split).to_numpy()
        sources = sorted(known.loc[inside, "source"].unique())
        by_source = {name: part(inside & (known["source"] == name).to_numpy()) for name in sources}
        chosen = {key: inside & subset.rows(known, card) for key, subset in SUBSETS.items()}
        by_subset = {key: part(rows) for key, rows in chosen.items() if rows.any()}
        splits[split] = {**part(inside), "by_source": by_source, "by_subset": by_subset}
    report = {
        "model": classifier.key,
        "weights_sha256": classifier.weights_digest,
        "data_hash": data_hash(table),
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "classes": list(card.classes),
        "left_out": len(held) - len(known),
        "milliseconds": _milliseconds(classifier),
        "splits": splits,
    }
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "report.json", report)
    columns = {f"probability/{name}": probabilities[:, k] for k, name in enumerate(card.classes)}
    known[["digest", "source", "patient", "label", "split"]].assign(**columns).to_parquet(out / "predictions.parquet")
    return report


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

    Subsets of the validation split are left out; its totals are the own split of recipes that use the manifest's.
    Raises ModelError when the report is about other weights than the card.
    """
    path = folder / row_of(report["model"]).card_name
    card = read_card(path)
    if card.weights_sha256 != report["weights_sha256"]:
        raise ModelError(f"The report is about other weights than {path.name}; evaluate again.")
    about = {key: report[key] for key in ("date", "data_hash", "version", "milliseconds")}
    val = {key: value for key, value in report["splits"]["val"].items() if not key.startswith("by_")}
    write_card(card.with_scores({**about, "test": report["splits"]["test"], "val": val}), path)
