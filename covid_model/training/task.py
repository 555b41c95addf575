"""The interface between trainer and task: networks, loss, phases, batches and validation."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from covid_model.training.batches import Batches
from covid_model.training.run_folder import RunFolder

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class Phase:
    """Consecutive epochs that train the same layers with one optimiser.

    trains: (layer, place) -> is it trained? place: share of the network's layers that come before it.
    rate: (step of the phase from 0, steps of the whole phase, steps an epoch) -> learning rate.
    patience: epochs without a lower validation loss after which the run ends, 0 for never.
    """

    epochs: int
    trains: Callable[["keras.layers.Layer", float], bool]
    optimiser: Callable[[], "keras.Optimizer"]
    rate: Callable[[int, int, int], float]
    patience: int = 0


class Task(ABC):
    """What is trained. The trainer updates `network` by gradients and `averaged` as the running mean of its weights.

    averaged: a copy of the network in float32, which is validated and kept. momentum: of the running mean, 0 for none.
    clip: largest norm of a variable's gradient, None for no limit. log_every: steps between two lines of metrics.
    counts_correct: is `correct` implemented?
    """

    name: str
    network: "keras.Model"
    averaged: "keras.Model"
    phases: tuple[Phase, ...]
    momentum: float = 0.0
    clip: float | None = None
    log_every: int = 10
    counts_correct: bool = False
    report: Callable[[int, int], None] = staticmethod(lambda done, total: None)
    """Called by `prepare` with how many of its images are ready, and of how many. The trainer sets it."""

    @abstractmethod
    def prepare(self) -> Batches:
        """Read the training and validation data; called once, before the first step.

        Raises CovidModelError where it cannot be read.
        """

    def forward(self, inputs: Any) -> Any:
        """The output in training for a batch of inputs, in any structure of tensors; `loss` and `correct` take it."""
        return self.network(inputs, training=True)

    @abstractmethod
    def loss(self, output: Any, target: Any) -> Any:
        """Tensors of a batch of n -> (n,) loss of each image."""

    def correct(self, output: Any, target: Any) -> Any:
        """Tensors of a batch of n -> (n,) 1.0 where the network is right."""
        import tensorflow as tf

        return tf.zeros(tf.shape(output)[:1])

    @abstractmethod
    def validate(self) -> dict[str, Any]:
        """Metrics of `averaged` after an epoch, computed by every worker; "val_loss" decides which epoch is the best.

        Without "val_loss" the latest epoch is the best.
        """

    def after_epoch(self, run: RunFolder, epoch: int) -> dict[str, Any]:
        """Write files of this epoch (from 1) into the run's folder; returns more metrics. Only the chief calls it."""
        return {}

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def checkpoint_bytes(self) -> int:
        """About the size of a checkpoint: weights, their running mean, and two moments of each for the optimiser."""
        return sum(4 * np.asarray(weight).nbytes for weight in self.network.get_weights())
