"""Train a classifier: its task for the trainer, and how its runs are started and resumed."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.data.manifest import data_hash, read_manifest
from covid_model.errors import DataError, RunError
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.specs import ModelSpec, get_model
from covid_model.progress import ProgressLog
from covid_model.training.batches import ImageBatches, image_weights
from covid_model.training.config import TrainConfig
from covid_model.training.distribute import Workers, one_worker
from covid_model.training.guidance import (
    LOGITS,
    attention_loss,
    evidence_by_class,
    group_tilt,
    inside,
    outline_loss,
    source_loss,
)
from covid_model.training.image_cache import load_small
from covid_model.training.initial_weights import initial_weights
from covid_model.training.losses import classification_loss
from covid_model.training.recipes import get_recipe, recipe_table
from covid_model.training.run_folder import RunFolder
from covid_model.training.schedule import LARGEST, phases
from covid_model.training.source_prior import groups_of, source_offsets
from covid_model.training.task import Task
from covid_model.training.train_step import built_in, precision_here
from covid_model.training.trainer import Trainer, resume_run, start_run
from covid_model.training.validate import heatmaps, load_validation, validate

DATA: Final = ("data_hash", "images", "manifest")
"""Entries of config.json about the data."""


class ClassifierTask(Task):
    """Training one model of the MODELS table on the rows of a manifest.

    Raises RunError where a class is missing in the train or validation split, or the initial weights are missing.
    """

    counts_correct = True

    def __init__(
        self, spec: ModelSpec, config: TrainConfig, table: pd.DataFrame, segmenter: LungSegmenter, workers: Workers
    ) -> None:
        import keras

        usable = table[table["label"].isin(spec.labels)]
        self.train, self.val = (usable[usable["split"] == split] for split in ("train", "val"))
        check_classes(spec, self.train, "train")
        check_classes(spec, self.val, "validation")
        self.spec, self.config, self.segmenter, self.workers = spec, config, segmenter, workers
        self.groups = groups_of(spec.classes, config.prior_over)
        self.name, self.momentum, self.log_every = spec.key, config.ema, config.log_every
        self.clip = LARGEST if config.weight_decay else None
        self.phases = phases(config)
        keras.utils.set_random_seed(config.seed)
        precision = precision_here() if config.precision == "auto" else config.precision
        with workers.strategy.scope():
            self.network, self.averaged = built_in(precision, spec.build), spec.build()
        initial_weights(self.network, spec, config, segmenter)
        self.averaged.set_weights(self.network.get_weights())
        self.guided = inside(self.network) if config.guided else None
        self.backend = TensorFlowBackend(self.averaged)

    def prepare(self) -> ImageBatches:
        """As `Task.prepare`."""
        label = self.train["label"].map(self.spec.class_of).to_numpy(np.int64)
        total = len(self.train) + len(self.val)
        with ProgressLog("preparing images", total) as shown:

            def each() -> None:
                shown.add()
                self.report(shown.done, total)

            marked = bool(self.config.guide)
            small = load_small(self.train, self.spec.preprocessing, self.segmenter, each, marked=marked)
            val_label = self.val["label"].map(self.spec.class_of).to_numpy(np.int64)
            self.validation = load_validation(self.spec, self.val, val_label, self.segmenter, each)
        offset = None
        if floor := self.config.source_prior:
            offset = source_offsets(self.train, label, self.groups, floor)
            of_val = source_offsets(self.train, label, self.groups, floor, of=self.val)
            self.validation = replace(self.validation, offset=of_val)
        return ImageBatches(
            small,
            label,
            image_weights(self.train, self.config.balance, label),
            self.spec.preprocessing,
            len(self.spec.classes),
            self.config,
            offset=offset,
            source=np.unique(self.train["source"], return_inverse=True)[1],
            cells=(1, 1) if self.guided is None else tuple(self.guided.outputs[1].shape[1:3]),
            worker=self.workers.index,
            workers=self.workers.count,
        )

    def forward(self, inputs: Any) -> Any:
        """As `Task.forward`: logits; with guidance also what its losses take."""
        if self.guided is None:
            return self.network(inputs, training=True)
        images, marks, source, empty = inputs
        logits, maps, features = self.guided(images, training=True)
        evidence = evidence_by_class(maps, self.network.get_layer(LOGITS).kernel)
        return logits, evidence, marks, features, source, self.guided(empty, training=True)[2]

    def loss(self, output: Any, target: Any) -> Any:
        """As `Task.loss`."""
        onehot, offset = (target, None) if len(target.shape) == 2 else (target[:, 0], target[:, 1])
        if self.guided is None:
            return classification_loss(output, onehot, self.config.label_smoothing, offset)
        logits, evidence, marks, features, source, empty = output
        loss = classification_loss(logits, onehot, self.config.label_smoothing, offset)
        if self.config.tilt:
            loss *= group_tilt(loss, onehot, source, self.config.tilt)
        loss += self.config.guide * attention_loss(evidence, onehot, marks)
        return (
            loss
            + self.config.outline * outline_loss(empty, features)
            + self.config.alike * source_loss(features, onehot, source)
        )

    def correct(self, output: Any, target: Any) -> Any:
        """As `Task.correct`."""
        import tensorflow as tf

        output = output if self.guided is None else output[0]
        onehot = target if len(target.shape) == 2 else target[:, 0]
        called = tf.cast(output[:, 0] > 0, tf.int64) if output.shape[-1] == 1 else tf.argmax(output, axis=-1)
        return tf.cast(called == tf.argmax(onehot, axis=-1), tf.float32)

    def validate(self) -> dict[str, Any]:
        """As `Task.validate`."""
        return validate(self.backend, self.validation, self.spec.classes)

    def after_epoch(self, run: RunFolder, epoch: int) -> dict[str, Any]:
        """Heatmaps of the fixed images."""
        out = run.path / "maps" / f"epoch-{epoch:03d}.npz"
        return {"attention_in_lungs": heatmaps(self.backend, self.validation.shown, self.spec, out)}


def check_classes(spec: ModelSpec, rows: pd.DataFrame, split: str) -> None:
    """Raise RunError unless every class has an image in this split.

    The validation split needs all classes too, since thresholds are fitted on it.
    """
    counts = rows["label"].map(spec.class_of).value_counts()
    missing = [name for k, name in enumerate(spec.classes) if k not in counts]
    if missing:
        found = ", ".join(f"{counts[k]} of {name}" for k, name in enumerate(spec.classes) if k in counts) or "none"
        raise RunError(
            f"The {split} split has no image of class {' and '.join(missing)} (images found: {found}); add images, or build "
            "the manifest with another split."
        )


def start(
    run: RunFolder,
    config: TrainConfig,
    table: pd.DataFrame,
    segmenter: LungSegmenter,
    workers: Workers | None = None,
    manifest: Path | None = None,
) -> Trainer[ClassifierTask]:
    """A new run in a new folder. manifest: where `table` was read from, for `resume`.

    Raises RunError, before anything is written, where the folder has a run already, or data or settings cannot be used.
    """
    run.check_new()
    workers = workers or one_worker()
    task = ClassifierTask(get_model(config.model).at_size(config.size), config, table, segmenter, workers)
    data = (data_hash(table), len(table), str(manifest.resolve()) if manifest else "")
    return start_run(run, task, {**config.as_dict(), **dict(zip(DATA, data, strict=True))}, workers)


def resume(
    run: RunFolder, table: pd.DataFrame, segmenter: LungSegmenter, workers: Workers | None = None
) -> Trainer[ClassifierTask]:
    """The run from its last checkpoint, or from the beginning where it has none.

    Raises RunError for data other than the run began with, a damaged run, or a run that another process is training.
    """
    stored = run.config()
    if stored.get("data_hash") != data_hash(table):
        images = stored.get("images")
        change = f"{images} images then, {len(table)} now" if images != len(table) else "other labels, splits or images"
        raise RunError(
            f"The manifest has changed since {run.name} began ({change}); restore it, or start a new run with the new one."
        )
    config = TrainConfig.from_dict({name: value for name, value in stored.items() if name not in DATA})
    workers = workers or one_worker()
    task = ClassifierTask(get_model(config.model).at_size(config.size), config, table, segmenter, workers)
    return resume_run(run, task, workers)


def stored_table(run: RunFolder, manifest: Path | None = None) -> pd.DataFrame:
    """The rows that a run is trained on, from `manifest` or, by default, from the manifest that it began with.

    Raises RunError where the manifest cannot be read.
    """
    stored = run.config()
    path = manifest or (Path(str(stored["manifest"])) if stored.get("manifest") else None)
    if path is None:
        raise RunError(f"{run.name} does not say which manifest it began with; name it with --manifest.")
    try:
        table = read_manifest(path)
    except DataError as error:
        reason = f"{path}, the manifest that {run.name} began with, cannot be read; name its new place with --manifest."
        raise RunError(reason) from error
    return recipe_table(table, get_recipe(str(stored["model"])))
