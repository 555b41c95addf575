"""The training loop of one run: told to a run folder as it goes, resumable after any interruption."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.data.manifest import data_hash
from covid_model.errors import CovidModelError, RunError
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.specs import ModelSpec, get_model
from covid_model.training.batches import Batches, image_weights
from covid_model.training.checkpoint import read_state, write_state
from covid_model.training.config import TrainConfig
from covid_model.training.distribute import Team, alone
from covid_model.training.image_cache import load_small
from covid_model.training.initial_weights import initial_weights
from covid_model.training.metrics_writer import EpochSoFar, MetricsWriter
from covid_model.training.run_folder import RunFolder
from covid_model.training.steps import built_to_train, learning_rate, make_optimiser, make_step, precision_here
from covid_model.training.validate import heatmaps, load_validation, validate


@dataclass
class Progress:
    """Where a run stands. epoch counts finished epochs of both phases, step all steps; best is the lowest val_loss."""

    epoch: int = 0
    step: int = 0
    best: float = float("inf")
    best_epoch: int = 0
    metrics_size: int = 0


@dataclass(eq=False)
class Training:
    """One run in one process, which may be one of several workers."""

    run: RunFolder
    config: TrainConfig
    row: ModelSpec
    table: pd.DataFrame
    segmenter: LungSegmenter
    team: Team = field(default_factory=alone)
    progress: Progress = field(default_factory=Progress)
    saved_optimiser: list[np.ndarray] | None = None

    def __post_init__(self) -> None:
        import keras

        keras.utils.set_random_seed(self.config.seed)
        usable = self.table[self.table["label"].isin(self.row.labels)]
        self.train, self.val = (usable[usable["split"] == split] for split in ("train", "val"))
        if self.train.empty or self.val.empty:
            raise RunError("The manifest has no images with this model's labels in its train or validation split.")
        precision = precision_here() if self.config.precision == "auto" else self.config.precision
        with self.team.strategy.scope():
            self.model, self.averaged = built_to_train(self.row, precision), self.row.build()
        initial_weights(self.model, self.row, self.config, self.segmenter)
        self.averaged.set_weights(self.model.get_weights())
        self.answering = TensorFlowBackend(self.averaged)

    def go(self) -> str:
        """Train to the end, or until asked to stop; returns the last state told ("finished", "stopped" or "failed").

        Raises CovidModelError where an image cannot be read, the run folder not be written, or another worker is lost; the
        run is told to have failed, with the reason.
        """
        try:
            return self._go()
        except OSError as error:
            sentence = f"The run folder cannot be written: {error.strerror}."
            self._fail(sentence)
            raise RunError(sentence) from error
        except CovidModelError as error:
            if self.run.status().get("state") != "stopped":
                self._fail(str(error))
            raise

    def _fail(self, reason: str) -> None:
        with suppress(OSError):
            self.run.tell("failed", reason=reason)

    def _go(self) -> str:
        self.run.tell("starting", epochs=self.config.all_epochs, model=self.row.key)
        label = self.train["label"].map(self.row.class_of).to_numpy(np.int64)
        images = load_small(self.train, self.row.preprocessing, self.segmenter)
        weight = image_weights(self.train, self.config.balance, label)
        self.batches = Batches(
            images,
            label,
            weight,
            self.row.preprocessing,
            len(self.row.classes),
            self.config,
            worker=self.team.worker,
            workers=self.team.workers,
        )
        if self.batches.batch < self.team.strategy.num_replicas_in_sync:
            raise RunError(f"A batch of {self.batches.batch} images cannot be shared by more devices than that.")
        self.metrics_writer = MetricsWriter(self.run, events=self.team.is_chief)
        val_label = self.val["label"].map(self.row.class_of).to_numpy(np.int64)
        self.validation = load_validation(self.row, self.val, val_label, self.segmenter)
        return self._epochs()

    def _epochs(self) -> str:
        phase = ""
        while self.progress.epoch < self.config.all_epochs:
            head = self.progress.epoch < self.config.head_epochs
            if phase != ("head" if head else "all"):
                phase = "head" if head else "all"
                self._begin_phase(head)
            state = self._epoch(head)
            if state is not None:
                return state
            best = self.progress.best_epoch
            if self.config.patience and self.progress.epoch - best >= self.config.patience and not head:
                break
        self.run.tell("finished", epoch=self.progress.epoch)
        return "finished"

    def _begin_phase(self, head: bool) -> None:
        """A fresh optimiser for the layers that this phase trains; its saved state where the run is resumed within it."""
        import keras

        for layer in self.model.layers:
            frozen_statistics = isinstance(layer, keras.layers.BatchNormalization) and self.config.init != "random"
            layer.trainable = layer.name == "logits" if head else not frozen_statistics
        with self.team.strategy.scope():
            self.optimiser = make_optimiser(self.config)
            variables = self.model.trainable_variables
            self.step_function = make_step(self.model, self.averaged, self.optimiser, variables, self.config, self.team)
        saved = self.saved_optimiser
        if saved is not None and len(saved) == len(self.optimiser.variables):
            for variable, value in zip(self.optimiser.variables, saved, strict=True):
                variable.assign(value)
        self.saved_optimiser = None

    def _epoch(self, head: bool) -> str | None:
        """One epoch; returns the last state where the run ends within it."""
        first = 0 if head else self.config.head_epochs * self.batches.steps
        left = self.config.all_epochs - self.progress.epoch - 1
        sofar = EpochSoFar(self.progress.epoch, self.batches.steps, self.batches.batch, left)
        for batch in self.batches.epoch(self.progress.epoch):
            rate = learning_rate(self.config, self.batches.steps, self.progress.step - first, head=head)
            asked = np.float32(self.team.is_chief and self.run.asked_to_stop())
            loss, right, stop = self._step(batch, np.float32(rate), asked)
            self.progress.step += 1
            if not np.isfinite(loss):
                reason = f"The loss was {loss} at step {self.progress.step}; the last checkpoint before it is kept."
                self.run.tell("failed", reason=reason)
                return "failed"
            sofar.add(loss, right)
            if self.progress.step % self.config.log_every == 0:
                self.metrics_writer.step(sofar, self.progress.step, rate, self.config.log_every)
            if stop:
                self.run.tell("stopped", reason="Asked to stop; resume goes on from the last whole epoch.")
                return "stopped"
        self._finish_epoch(sofar, rate)
        return None

    def _step(self, batch: tuple[Any, ...], rate: np.float32, asked: np.float32) -> tuple[float, float, float]:
        """(loss, images called right, was anybody asked to stop). Raises RunError when another worker is lost."""
        import tensorflow as tf

        try:
            told = self.step_function(*self.team.spread(*batch), rate, asked)
            return float(told[0]), float(told[1]), float(told[2])
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
            if self.team.workers == 1:
                raise
            reason = "Another worker was lost; start all workers again with --resume."
            self.run.tell("stopped", reason=reason)
            raise RunError(reason) from error

    def _finish_epoch(self, sofar: EpochSoFar, rate: float) -> None:
        """Validate the averaged weights; the chief keeps heatmaps, metrics and checkpoints."""
        self.progress.epoch += 1
        number = self.progress.epoch
        self.run.tell("validating", epoch=number)
        found = validate(self.answering, self.validation, self.row.classes)
        found["val_loss"] = self.team.chiefs(found["val_loss"])
        improved = found["val_loss"] < self.progress.best
        if improved:
            self.progress.best, self.progress.best_epoch = found["val_loss"], number
        if not self.team.is_chief:
            return
        maps = self.run.path / "maps" / f"epoch-{number:03d}.npz"
        found["attention_in_lungs"] = heatmaps(self.answering, self.validation.shown, self.row, maps)
        self.metrics_writer.epoch(sofar, self.progress.step, rate, found)
        if improved:
            write_state(self._checkpoint("best"), {"averaged": self.averaged.get_weights()}, {"epoch": number})
        self.progress.metrics_size = self.run.metrics_size()
        arrays = {
            "model": self.model.get_weights(),
            "averaged": self.averaged.get_weights(),
            "optimiser": [np.asarray(variable) for variable in self.optimiser.variables],
        }
        write_state(self._checkpoint("last"), arrays, vars(self.progress))
        self.run.tell("training", epoch=number, best_epoch=self.progress.best_epoch)

    def restore(self) -> None:
        """Go back to the last checkpoint: weights, running means, optimiser, counters and metrics."""
        arrays, about = read_state(self._checkpoint("last"))
        self.model.set_weights(arrays["model"])
        self.averaged.set_weights(arrays["averaged"])
        self.saved_optimiser = arrays["optimiser"]
        self.progress = Progress(**about)
        self.run.cut_metrics(self.progress.metrics_size)

    def _checkpoint(self, name: str) -> Path:
        return self.run.path / "checkpoint" / f"{name}.npz"


def start(
    run: RunFolder, config: TrainConfig, table: pd.DataFrame, segmenter: LungSegmenter, team: Team | None = None
) -> Training:
    """A new run in a new folder. Raises RunError where there is one already."""
    row = get_model(config.model)
    run.create({**config.as_dict(), "data_hash": data_hash(table), "images": len(table)})
    run.claim()
    return Training(run, config, row, table, segmenter, team or alone())


def resume(run: RunFolder, table: pd.DataFrame, segmenter: LungSegmenter, team: Team | None = None) -> Training:
    """The run in `run` from its last checkpoint. Raises RunError for other data, a damaged or a running run."""
    stored = run.config()
    found = data_hash(table)
    if stored.pop("data_hash") != found:
        raise RunError(f"The run was trained on other data than this manifest (data {found[:12]}).")
    stored.pop("images")
    config = TrainConfig.from_dict(stored)
    run.claim()
    training = Training(run, config, get_model(config.model), table, segmenter, team or alone())
    training.restore()
    return training
