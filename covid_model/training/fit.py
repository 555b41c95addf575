"""The training loop of one run: told to a run folder as it goes, resumable after any interruption."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from covid_model.data.manifest import data_hash
from covid_model.errors import RunError
from covid_model.lungs.segment import LungSegmenter
from covid_model.training.batches import Batches, film_weights
from covid_model.training.checkpoint import read_state, write_state
from covid_model.training.config import TrainConfig
from covid_model.training.films_cache import load_small
from covid_model.training.run_folder import RunFolder
from covid_model.training.steps import learning_rate, make_optimiser, make_step
from covid_model.training.validate import heatmaps, load_validation, validate
from covid_model.zoo.imagenet import imagenet_features
from covid_model.zoo.lite0 import copy_weights
from covid_model.zoo.models import ModelRow, get_model


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
    """One run in one process."""

    run: RunFolder
    config: TrainConfig
    row: ModelRow
    table: pd.DataFrame
    segmenter: LungSegmenter
    progress: Progress = field(default_factory=Progress)
    saved_optimiser: list[np.ndarray] | None = None

    def __post_init__(self) -> None:
        import keras

        keras.utils.set_random_seed(self.config.seed)
        usable = self.table[self.table["label"].isin(self.row.labels)]
        self.train, self.val = (usable[usable["split"] == split] for split in ("train", "val"))
        if self.train.empty or self.val.empty:
            raise RunError("The manifest has no films with this model's labels in its train or validation split.")
        self.model, self.averaged = self.row.build(), self.row.build()
        self._start_weights()
        self.averaged.set_weights(self.model.get_weights())

    def _start_weights(self) -> None:
        if self.config.init == "imagenet":
            if copy_weights(imagenet_features(), self.model) == 0:
                raise RunError(f"No ImageNet weights for {self.row.architecture} are at hand; use --init random or shipped.")
        elif self.config.init == "shipped":
            from covid_model.zoo.classifier import load

            self.model.set_weights(load(self.row.key, self.segmenter).network.get_weights())

    def go(self) -> str:
        """Train to the end, or until asked to stop; returns the last state told ("finished", "stopped" or "failed")."""
        self.run.tell("starting", epochs=self.config.all_epochs, model=self.row.key)
        label = self.train["label"].map(self.row.class_of).to_numpy(np.int64)
        films = load_small(self.train, self.row.preprocessing, self.segmenter)
        weight = film_weights(self.train, self.config.balance, label)
        self.batches = Batches(films, label, weight, self.row.preprocessing, len(self.row.classes), self.config)
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
        self.optimiser = make_optimiser(self.config)
        self.step_function = make_step(
            self.model, self.averaged, self.optimiser, self.model.trainable_variables, self.config
        )
        saved = self.saved_optimiser
        if saved is not None and len(saved) == len(self.optimiser.variables):
            for variable, value in zip(self.optimiser.variables, saved, strict=True):
                variable.assign(value)
        self.saved_optimiser = None

    def _epoch(self, head: bool) -> str | None:
        """One epoch; returns the last state where the run ends within it."""
        first = 0 if head else self.config.head_epochs * self.batches.steps
        losses, rights, begun = [], [], time.perf_counter()
        for place, (films, onehot, weights) in enumerate(self.batches.epoch(self.progress.epoch)):
            rate = learning_rate(self.config, self.batches.steps, self.progress.step - first, head=head)
            loss, right = (float(value) for value in self.step_function(films, onehot, weights, np.float32(rate)))
            self.progress.step += 1
            if not np.isfinite(loss):
                reason = f"The loss was {loss} at step {self.progress.step}; the last checkpoint before it is kept."
                self.run.tell("failed", reason=reason)
                return "failed"
            losses.append(loss)
            rights.append(right)
            if self.progress.step % self.config.every == 0:
                self._tell_step(place + 1, time.perf_counter() - begun, losses, rights, rate)
            if self.run.asked_to_stop():
                self.run.tell("stopped", reason="Asked to stop; resume goes on from the last whole epoch.")
                return "stopped"
        self.progress.epoch += 1
        self._finish_epoch(float(np.mean(losses)), float(np.mean(rights)), rate, time.perf_counter() - begun)
        return None

    def _tell_step(self, done: int, seconds: float, losses: list[float], rights: list[float], rate: float) -> None:
        recent = self.config.every
        left = (self.config.all_epochs - self.progress.epoch) * self.batches.steps - done
        line = {
            "kind": "step",
            "step": self.progress.step,
            "epoch": self.progress.epoch + done / self.batches.steps,
            "time": time.time(),
            "loss": float(np.mean(losses[-recent:])),
            "accuracy": float(np.mean(rights[-recent:])),
            "rate": rate,
            "films_per_second": done * self.batches.batch / seconds,
            "memory_mb": psutil.Process().memory_info().rss / 1e6,
            "eta_s": left * seconds / done,
        }
        self.run.append(line)
        self.run.tell("training", epoch=line["epoch"], step=self.progress.step, eta_s=line["eta_s"])

    def _finish_epoch(self, loss: float, right: float, rate: float, seconds: float) -> None:
        """Validate the averaged weights, keep heatmaps, metrics and checkpoints."""
        self.run.tell("validating", epoch=self.progress.epoch)
        found = validate(self.averaged, self.validation, self.row.classes)
        number = self.progress.epoch
        attention = heatmaps(
            self.averaged, self.validation.shown, self.row, self.run.path / "maps" / f"epoch-{number:03d}.npz"
        )
        about = {"kind": "epoch", "epoch": number, "step": self.progress.step, "time": time.time()}
        trained = {"loss": loss, "accuracy": right, "rate": rate, "seconds": seconds, "attention_in_lungs": attention}
        self.run.append({**about, **trained, **found})
        if found["val_loss"] < self.progress.best:
            self.progress.best, self.progress.best_epoch = found["val_loss"], number
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

    def best_network(self) -> Any:
        """A fresh network with the weights of the best epoch."""
        network = self.row.build()
        network.set_weights(read_state(self._checkpoint("best"))[0]["averaged"])
        return network

    def _checkpoint(self, name: str) -> Path:
        return self.run.path / "checkpoint" / f"{name}.npz"


def start(run: RunFolder, config: TrainConfig, table: pd.DataFrame, segmenter: LungSegmenter) -> Training:
    """A new run in a new folder. Raises RunError where there is one already."""
    row = get_model(config.model)
    run.create({**config.as_dict(), "data_hash": data_hash(table), "films": len(table)})
    run.claim()
    return Training(run, config, row, table, segmenter)


def resume(run: RunFolder, table: pd.DataFrame, segmenter: LungSegmenter) -> Training:
    """The run in `run` from its last checkpoint. Raises RunError for other data, a damaged or a running run."""
    stored = run.config()
    found = data_hash(table)
    if stored.pop("data_hash") != found:
        raise RunError(f"The run was trained on other data than this manifest (data {found[:12]}).")
    stored.pop("films")
    config = TrainConfig.from_dict(stored)
    run.claim()
    training = Training(run, config, get_model(config.model), table, segmenter)
    training.restore()
    return training
