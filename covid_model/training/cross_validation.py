"""Cross-validation by patient, and without one source: how a recipe does on images that its training has not seen.

The test split of the manifest takes no part: recipes are compared here, so that the test split is looked at once, by the one
that was chosen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.data.manifest import data_hash
from covid_model.errors import RunError
from covid_model.evaluation.report import rounded
from covid_model.files import write_json, written_whole
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.classifier import load
from covid_model.models.specs import get_model
from covid_model.training.classifier import DATA, resume, start
from covid_model.training.config import TrainConfig
from covid_model.training.export import export_model
from covid_model.training.held_out import FINDING, LEFT, held_out, scores
from covid_model.training.initial_weights import best_network
from covid_model.training.recipes import Recipe
from covid_model.training.run_folder import RunFolder

RECORD: Final = "cross_validation.json"
PREDICTIONS: Final = "predictions.parquet"


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
    config: TrainConfig,
    table: pd.DataFrame,
    out: Path,
    *,
    count: int = 5,
    without: Sequence[str] = (),
    only_without: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Train every fold in a run of its own below `out`, score what it has not seen, and write RECORD and PREDICTIONS.

    table: of a manifest. only_without: train no folds by patient, only those without a source. An interrupted call
    continues, also with more folds. Returns what is written to RECORD. Raises RunError where a run fails, or belongs to
    other settings or data, and where nothing is left to train.
    """
    if only_without and not without:
        raise RunError("Nothing to train: name a source to leave out, or train the folds by patient too.")
    if FINDING not in get_model(config.model).classes:
        raise RunError(f"{config.model} has no class {FINDING}, which the scores are about; choose a model that has it.")
    segmenter, parts = LungSegmenter.load(), []
    for fold in folds(table, count, without, seed):
        if only_without and not fold.name.startswith(LEFT):
            continue
        predictions, run = out / fold.name / PREDICTIONS, RunFolder(out / fold.name)
        begun = _begun(fold, config, run)
        if not predictions.is_file():
            _train(fold, config, run, begun, segmenter)
            with written_whole(predictions) as partial:
                classifier = load(config.model, segmenter, folder=out / fold.name)
                found = held_out(classifier, fold.table[fold.table["split"] == "test"], fold.name)
                found.to_parquet(partial, index=False)
        parts.append(pd.read_parquet(predictions))
    rows = pd.concat(parts, ignore_index=True)
    with written_whole(out / PREDICTIONS) as partial:
        rows.to_parquet(partial, index=False)
    record: dict[str, Any] = rounded(
        {
            "settings": config.as_dict(),
            "folds": 0 if only_without else count,
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
    export_model(best_network(run), trainer.task.spec, config, Recipe(config), fold.table, run.path, segmenter)
