"""Cross-validation by patient, and without one source: how a recipe does on images that its training has not seen.

The test split of the manifest takes no part: recipes are compared here, so that the test split is looked at once, by the one
that was chosen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.data.labels import LABELS
from covid_model.data.manifest import data_hash
from covid_model.data.sources import sources_with
from covid_model.errors import RunError
from covid_model.evaluation.bootstrap import mean_interval, patient_interval
from covid_model.evaluation.cases import balanced_accuracy
from covid_model.evaluation.outputs import image_outputs
from covid_model.evaluation.ranked import Ranked
from covid_model.evaluation.report import rounded
from covid_model.evaluation.stored import probability_column
from covid_model.files import write_json, written_whole
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.classifier import load
from covid_model.models.specs import get_model
from covid_model.training.classifier import DATA, resume, start
from covid_model.training.config import TrainConfig
from covid_model.training.export import export_model
from covid_model.training.initial_weights import best_network
from covid_model.training.recipes import Recipe
from covid_model.training.run_folder import RunFolder

RECORD: Final = "cross_validation.json"
PREDICTIONS: Final = "predictions.parquet"
FINDING: Final = LABELS[0]
LEFT: Final = "without "
"""Starts the name of a fold that leaves a source out."""
SPECIFICITY: Final = 0.95


@dataclass(frozen=True)
class Fold:
    """One training. name: of its run. table: manifest rows with the split of this fold; its test rows are scored."""

    name: str
    table: pd.DataFrame


def folds(table: pd.DataFrame, count: int, without: Sequence[str] = (), seed: int = 0) -> Iterator[Fold]:
    """`count` folds by patient, and one more for each source in `without`.

    table: of a manifest; its test rows are left out. Images of a group, that is of a patient and of near-duplicates, are in
    one fold, and every fold has its share of each source and label. The next fold is for validation. A source that is left
    out is tested whole, together with the images of fold 0 of the others, so that there are images of every label that no
    training has seen. Raises RunError for fewer than three folds and for an unknown source.
    """
    if count < 3:
        raise RunError(
            f"Cross-validation needs at least 3 folds: to train on, to validate on and to test. Received: {count}."
        )
    known = table[table["split"] != "test"]
    sources = sorted(set(known["source"]))
    if unknown := sorted(set(without) - set(sources)):
        raise RunError(f"The manifest has no images of {unknown[0]!r} to leave out; it has {', '.join(sources)}.")
    place = known["group"].map(_dealt(known, count, seed)).to_numpy()
    for number in range(count):
        yield Fold(f"fold-{number}", known.assign(split=_splits(place, number, count)))
    for source in without:
        splits = _splits(place, 0, count)
        splits[(known["source"] == source).to_numpy()] = "test"
        yield Fold(f"{LEFT}{source}", known.assign(split=splits))


def _dealt(rows: pd.DataFrame, count: int, seed: int) -> dict[Any, int]:
    """Group -> its fold. Groups are shuffled and dealt out within each source and label, so that folds are alike."""
    rng, first = np.random.default_rng(seed), rows.drop_duplicates("group")
    strata = first.groupby(["source", "label"], sort=True)["group"]
    dealt = [group for _, groups in strata for group in rng.permutation(np.sort(groups.to_numpy()))]
    return {group: turn % count for turn, group in enumerate(dealt)}


def _splits(place: NDArray[np.int64], number: int, count: int) -> NDArray[np.object_]:
    """train, val or test of each image. place: (n,) its fold."""
    splits = np.full(len(place), "train", object)
    splits[place == number] = "test"
    splits[place == (number + 1) % count] = "val"
    return splits


def cross_validate(
    config: TrainConfig, table: pd.DataFrame, out: Path, *, count: int = 5, without: Sequence[str] = (), seed: int = 0
) -> dict[str, Any]:
    """Train every fold in a run of its own below `out`, score what it has not seen, and write RECORD and PREDICTIONS.

    table: of a manifest. An interrupted call continues. Returns what is written to RECORD. Raises RunError where a run
    fails, or belongs to other settings or data.
    """
    if FINDING not in get_model(config.model).classes:
        raise RunError(f"{config.model} has no class {FINDING}, which the scores are about; choose a model that has it.")
    segmenter, parts = LungSegmenter.load(), []
    for fold in folds(table, count, without, seed):
        predictions, run = out / fold.name / PREDICTIONS, RunFolder(out / fold.name)
        begun = _begun(fold, config, run)
        if not predictions.is_file():
            _train(fold, config, run, begun, segmenter)
            with written_whole(predictions) as partial:
                _predicted(fold, config, out / fold.name, segmenter).to_parquet(partial, index=False)
        parts.append(pd.read_parquet(predictions))
    rows = pd.concat(parts, ignore_index=True)
    with written_whole(out / PREDICTIONS) as partial:
        rows.to_parquet(partial, index=False)
    record: dict[str, Any] = rounded(
        {
            "settings": config.as_dict(),
            "folds": count,
            "seed": seed,
            "data_hash": data_hash(table),
            "date": datetime.now(UTC).isoformat("T", "seconds"),
            "version": __version__,
            "scores": scores(rows),
        }
    )
    write_json(out / RECORD, record)
    return record


def _begun(fold: Fold, config: TrainConfig, run: RunFolder) -> bool:
    """Was the fold begun by an earlier call? Raises RunError where that was with other settings or data."""
    if not (run.path / "config.json").is_file():
        return False
    stored = run.config()
    if TrainConfig.from_dict({name: value for name, value in stored.items() if name not in DATA}) != config:
        raise RunError(f"{run.path} was begun with other settings; choose another folder.")
    if stored.get("data_hash") != data_hash(fold.table):
        raise RunError(f"{run.path} was begun with other images, labels or folds; choose another folder.")
    return True


def _train(fold: Fold, config: TrainConfig, run: RunFolder, begun: bool, segmenter: LungSegmenter) -> None:
    trainer = resume(run, fold.table, segmenter) if begun else start(run, config, fold.table, segmenter)
    if trainer.train() != "finished":
        raise RunError(f"The training in {run.path} did not finish: {run.status().get('reason', '')}")
    export_model(best_network(run), get_model(config.model), config, Recipe(config), fold.table, run.path, segmenter)


def _predicted(fold: Fold, config: TrainConfig, folder: Path, segmenter: LungSegmenter) -> pd.DataFrame:
    """One row for each image that the fold tests: what it is, and its calibrated probabilities."""
    classifier, spec = load(config.model, segmenter, folder=folder), get_model(config.model)
    rows = fold.table[(fold.table["split"] == "test") & fold.table["label"].isin(spec.labels)].reset_index(drop=True)
    shares, classes = classifier.probabilities(image_outputs(classifier, rows)[0]), classifier.card.classes
    found = rows[["digest", "source", "patient", "label"]].assign(fold=fold.name)
    found["class"] = [classes[spec.class_of(label)] for label in rows["label"]]
    return found.assign(**{probability_column(name): shares[:, k] for k, name in enumerate(classes)})


def scores(rows: pd.DataFrame) -> dict[str, Any]:
    """Name -> interval by patient, from the predictions of all folds.

    `auc/adults`: COVID-19 against the rest without collections of children. `auc/SOURCE`: inside one collection that has
    both. `balanced_accuracy`: of all classes. `without SOURCE`: by a training that has not seen it, `auc` and `sensitivity`
    at SPECIFICITY against the other adults of fold 0, and `auc_inside` where the source has images without COVID-19 too.
    """
    inside = rows[~rows["fold"].str.startswith(LEFT)]
    adults = inside[~inside["source"].isin(sources_with(lambda source: source.children))]
    found: dict[str, Any] = {"auc/adults": _auc(adults), "balanced_accuracy": _balanced(inside)}
    for source, part in inside.groupby("source"):
        if part["label"].eq(FINDING).nunique() == 2:
            found[f"auc/{source}"] = _auc(part)
    for name, part in rows[rows["fold"].str.startswith(LEFT)].groupby("fold"):
        found[str(name)] = _left_out(part, str(name).removeprefix(LEFT))
    return found


def _left_out(rows: pd.DataFrame, source: str) -> dict[str, Any]:
    """How a source does whose images the training has not seen. rows: of its fold."""
    children = sources_with(lambda source: source.children)
    own, others = rows["source"] == source, ~rows["source"].isin([source, *children]) & (rows["label"] != FINDING)
    positives, both = rows[own & (rows["label"] == FINDING)], rows[own]
    found: dict[str, Any] = {}
    if len(positives) and others.any():
        against = pd.concat([positives, rows[others]])
        found = {"auc": _auc(against), "sensitivity": _sensitivity(positives, rows[others])}
    if both["label"].eq(FINDING).nunique() == 2:
        found["auc_inside"] = _auc(both)
    return found


def _auc(rows: pd.DataFrame) -> dict[str, Any]:
    ranked = Ranked((rows["label"] == FINDING).to_numpy(), rows[probability_column(FINDING)].to_numpy(np.float64))
    return asdict(patient_interval(rows["patient"].to_numpy(str), lambda weights: ranked.under(weights).auc()))


def _balanced(rows: pd.DataFrame) -> dict[str, Any]:
    names = [column.removeprefix(probability_column("")) for column in rows if column.startswith(probability_column(""))]
    predicted = rows[[probability_column(name) for name in names]].to_numpy().argmax(axis=1)
    label = rows["class"].map(names.index).to_numpy(np.int64)
    return asdict(patient_interval(rows["patient"].to_numpy(str), balanced_accuracy(label, predicted)))


def _sensitivity(positives: pd.DataFrame, negatives: pd.DataFrame) -> dict[str, Any]:
    """Share of the positives above the threshold that SPECIFICITY of the negatives are below."""
    threshold = np.quantile(negatives[probability_column(FINDING)], SPECIFICITY)
    called = (positives[probability_column(FINDING)] > threshold).to_numpy(np.float64)
    return asdict(mean_interval(positives["patient"].to_numpy(str), called))
