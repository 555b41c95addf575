"""The training loop of classifiers, lung network and generator; it can be resumed after any interruption.

It does not use Keras' `fit`, because a run that was killed and resumed must end bit-equal to one that was not. `fit` with
BackupAndRestore, SwapEMAWeights and an optimiser that averages weights was tried (Keras 3.15): even without dropout and with
the same batches in every epoch, the first step after a resume had another loss. It also keeps only one backup, which a kill
can leave half-written, averages only trained weights, and has neither phases with different optimisers nor a stop after the
current step.
"""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import numpy as np
from filelock import BaseFileLock

from covid_model.errors import CovidModelError, RunError
from covid_model.training.batches import Batch
from covid_model.training.checkpoint import BEST, read_last, write_last, write_state
from covid_model.training.distribute import Workers, one_worker
from covid_model.training.metrics_writer import EpochSoFar, MetricsWriter
from covid_model.training.run_folder import RunFolder
from covid_model.training.task import Phase, Task
from covid_model.training.train_step import make_step

SomeTask = TypeVar("SomeTask", bound=Task)

REPORT_EVERY: Final = 1.0
"""Seconds between two reports while images are prepared."""
KEPT_CHECKPOINTS: Final = 3
"""The last one, the one before, and the one being written; the best one is smaller."""


@dataclass
class RunProgress:
    """How far a run is. epoch: finished epochs of all phases; step: all steps; best: the lowest val_loss."""

    epoch: int = 0
    step: int = 0
    best: float = float("inf")
    best_epoch: int = 0
    metrics_size: int = 0


@dataclass(eq=False)
class Trainer(Generic[SomeTask]):
    """One run in one process, which may be one of several workers. lock: held until `train` or `close` ends."""

    run: RunFolder
    task: SomeTask
    lock: BaseFileLock | None = None
    workers: Workers = field(default_factory=one_worker)
    progress: RunProgress = field(default_factory=RunProgress)
    saved_optimiser: list[np.ndarray] | None = None
    _reported: float = 0.0

    def close(self) -> None:
        """Release the run folder without training."""
        if self.lock is not None:
            self.lock.release()

    def train(self) -> str:
        """Train to the end, or until asked to stop; returns the last state: "finished", "stopped" or "failed".

        Raises CovidModelError where an image cannot be read, the run folder cannot be written, or another worker is lost;
        the status then says "failed" with the reason.
        """
        try:
            return self._train()
        except OSError as error:
            sentence = f"The run folder cannot be written: {error.strerror}."
            self.fail(sentence)
            raise RunError(sentence) from error
        except CovidModelError as error:
            if self.run.status().get("state") != "stopped":
                self.fail(str(error))
            raise
        finally:
            self.close()

    def fail(self, reason: str) -> None:
        """Set the state "failed" with the reason, where the folder can still be written."""
        with suppress(OSError):
            self.run.set_status("failed", reason=reason)

    def _train(self) -> str:
        self.run.set_status("starting", epochs=self.task.epochs, model=self.task.name, reason="")
        if self.workers.is_chief:  # only the chief writes, and its folder may not be there yet for the others
            self._check_space()
        self.task.report = self._report
        self.batches = self.task.prepare()
        if self.batches.batch < self.workers.strategy.num_replicas_in_sync:
            raise RunError(f"A batch of {self.batches.batch} images cannot be shared by more devices than that.")
        self.metrics_writer = MetricsWriter(self.run, accuracy=self.task.counts_correct)
        begun = 0
        for phase in self.task.phases:
            if self.progress.epoch < begun + phase.epochs:
                state = self._phase(phase, begun)
                if state is not None:
                    return state
            begun += phase.epochs
        self.run.set_status("finished", epoch=self.progress.epoch)
        return "finished"

    def _report(self, done: int, total: int) -> None:
        """Note in the status, at most once a second, how many images are prepared."""
        now = time.monotonic()
        if self.workers.is_chief and (now - self._reported >= REPORT_EVERY or done == total):
            self._reported = now
            self.run.set_status("starting", prepared=done, to_prepare=total)

    def _check_space(self) -> None:
        needed, free = KEPT_CHECKPOINTS * self.task.checkpoint_bytes, shutil.disk_usage(self.run.path).free
        if free < needed:
            raise RunError(
                f"The checkpoints of this run need {needed / 1e6:.0f} MB, but {self.run.path} has {free / 1e6:.0f} MB free; "
                "make room, or choose another folder."
            )

    def _phase(self, phase: Phase, begun: int) -> str | None:
        """Train one phase, which begins after `begun` epochs; returns the final state where the run ends within it."""
        self._begin(phase, resumed=self.progress.epoch > begun)
        while self.progress.epoch < begun + phase.epochs:
            state = self._epoch(phase, begun)
            if state is not None:
                return state
            if phase.patience and self.progress.epoch - self.progress.best_epoch >= phase.patience:
                self.run.set_status("finished", epoch=self.progress.epoch)
                return "finished"
        return None

    def _begin(self, phase: Phase, *, resumed: bool) -> None:
        """An optimiser for the layers that this phase trains, with its saved state where a run is resumed within a phase."""
        layers = self.task.network.layers
        for number, layer in enumerate(layers):
            layer.trainable = phase.trains(layer, number / len(layers))
        with self.workers.strategy.scope():
            self.optimiser = phase.optimiser()
            self.step_function = make_step(self.task, self.optimiser, self.workers)
        if resumed and self.saved_optimiser is not None:
            for variable, value in zip(self.optimiser.variables, self.saved_optimiser, strict=True):
                variable.assign(value)
        self.saved_optimiser = None

    def _epoch(self, phase: Phase, begun: int) -> str | None:
        """Train one epoch; returns the final state where the run ends within it."""
        steps, first = self.batches.steps, begun * self.batches.steps
        left = self.task.epochs - self.progress.epoch - 1
        sofar = EpochSoFar(self.progress.epoch, steps, self.batches.batch, left)
        for batch in self.batches.epoch(self.progress.epoch):
            rate = phase.rate(self.progress.step - first, phase.epochs * steps, steps)
            asked = np.float32(self.workers.is_chief and self.run.asked_to_stop())
            loss, right, stop = self._step(batch, np.float32(rate), asked)
            self.progress.step += 1
            if not np.isfinite(loss):
                reason = f"The loss was {loss} at step {self.progress.step}; the last checkpoint before it is kept."
                self.run.set_status("failed", reason=reason)
                return "failed"
            sofar.add(loss, right)
            if self.progress.step % self.task.log_every == 0:
                self.metrics_writer.step(sofar, self.progress.step, rate, self.task.log_every)
            if stop:
                self.run.set_status("stopped", reason="Asked to stop; resume continues from the last whole epoch.")
                return "stopped"
        self._finish_epoch(sofar, rate)
        return None

    def _step(self, batch: Batch, rate: np.float32, asked: np.float32) -> tuple[float, float, float]:
        """(loss, images right, was any worker asked to stop?). Raises RunError when another worker is lost."""
        import tensorflow as tf

        try:
            inputs, target, weights = self.workers.split(batch)
            loss, right, stop = self.step_function(inputs, target, weights, rate, asked)
            return float(loss), float(right), float(stop)
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
            if self.workers.count == 1:
                raise
            reason = "Another worker was lost; start all workers again with --resume."
            self.run.set_status("stopped", reason=reason)
            raise RunError(reason) from error

    def _finish_epoch(self, sofar: EpochSoFar, rate: float) -> None:
        """Validate the averaged weights; the chief keeps heatmaps, metrics and checkpoints."""
        self.progress.epoch += 1
        number = self.progress.epoch
        self.run.set_status("validating", epoch=number)
        found = self.task.validate()
        improved = True
        if "val_loss" in found:
            found["val_loss"] = self.workers.from_chief(found["val_loss"])
            improved = found["val_loss"] < self.progress.best
        if improved:
            self.progress.best, self.progress.best_epoch = found.get("val_loss", self.progress.best), number
        if not self.workers.is_chief:
            return
        found |= self.task.after_epoch(self.run, number)
        self.metrics_writer.epoch(sofar, self.progress.step, rate, found)
        averaged = self.task.averaged.get_weights()
        if improved:
            write_state(self.run.checkpoints / BEST, {"averaged": averaged}, {"epoch": number})
        self.progress.metrics_size = self.run.metrics_size()
        arrays = {
            "model": self.task.network.get_weights(),
            "averaged": averaged,
            "optimiser": [np.asarray(variable) for variable in self.optimiser.variables],
        }
        write_last(self.run.checkpoints, arrays, vars(self.progress))
        self.run.set_status("training", epoch=number, best_epoch=self.progress.best_epoch)

    def restore(self) -> None:
        """Restore the last checkpoint: weights, running means, optimiser, counters and metrics; without one, start over.

        Raises RunError where every checkpoint is damaged or belongs to another network.
        """
        found = read_last(self.run.checkpoints)
        if found is None:
            self.run.start_over()
            return
        arrays, about = found
        try:
            self.task.network.set_weights(arrays["model"])
            self.task.averaged.set_weights(arrays["averaged"])
            self.progress = RunProgress(**about)
        except (ValueError, KeyError, TypeError):
            raise RunError(f"The checkpoint in {self.run.path} is of another network; start a new run.") from None
        self.saved_optimiser = arrays["optimiser"]
        self.run.cut_metrics(self.progress.metrics_size)


def start_run(run: RunFolder, task: SomeTask, config: dict[str, Any], workers: Workers | None = None) -> Trainer[SomeTask]:
    """A new run in a new folder. Raises RunError where there is one already, or another process uses the folder."""
    run.check_new()
    lock = run.claim()
    try:
        run.create(config)
    except RunError:
        if lock is not None:
            lock.release()
        raise
    return Trainer(run, task, lock, workers or one_worker())


def resume_run(run: RunFolder, task: SomeTask, workers: Workers | None = None) -> Trainer[SomeTask]:
    """An existing run from its last checkpoint. Raises RunError for a run that is being trained, or is damaged."""
    trainer = Trainer(run, task, run.claim(), workers or one_worker())
    try:
        trainer.restore()
    except RunError as error:
        trainer.fail(str(error))
        trainer.close()
        raise
    return trainer


def open_run(run: RunFolder, task: SomeTask, config: dict[str, Any]) -> Trainer[SomeTask]:
    """Resume the run in the folder, or start a new one. Raises RunError as these do, and for data of another hash."""
    if not (run.path / "config.json").exists():
        return start_run(run, task, config)
    if run.config().get("data_hash") != config["data_hash"]:
        raise RunError(f"{run.path} holds a run on other data; choose another folder, or give the data it began with.")
    return resume_run(run, task)
