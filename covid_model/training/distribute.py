"""Training on several devices or hosts through tf.distribute: who takes part, and who writes.

Every worker computes its part of each batch; gradients are summed before the optimiser sees them, so that the loss is that
of one process. Only the chief, worker 0, writes to the run folder, which all workers must be able to read.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import RunError
from covid_model.training.run_folder import RunFolder

if TYPE_CHECKING:
    import tensorflow as tf

Distribute = Literal["none", "mirrored", "multiworker"]
WAYS: Final[tuple[Distribute, ...]] = ("none", "mirrored", "multiworker")


@dataclass(frozen=True)
class Team:
    """Who trains together. worker: this process, from 0, of `workers`. strategy: how TensorFlow brings them together."""

    worker: int
    workers: int
    strategy: "tf.distribute.Strategy"

    @property
    def is_chief(self) -> bool:
        """Does this process write?"""
        return self.worker == 0

    @property
    def local(self) -> int:
        """Devices of this process."""
        return int(self.strategy.num_replicas_in_sync) // self.workers

    def spread(self, *arrays: NDArray[Any]) -> tuple[Any, ...]:
        """This worker's part of a batch, cut once more for its devices. Arrays go through unchanged for one device."""
        if self.local == 1:
            return arrays
        cut = [np.array_split(array, self.local) for array in arrays]
        first = self.worker * self.local
        return tuple(
            self.strategy.experimental_distribute_values_from_function(
                lambda context, parts=parts: parts[context.replica_id_in_sync_group - first]
            )
            for parts in cut
        )

    def sum(self, values: Any) -> Any:
        """The sum over all devices of a replica's values, on every device."""
        import tensorflow as tf

        return tf.nest.map_structure(
            lambda value: self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None), values
        )

    def chiefs(self, value: float) -> float:
        """The chief's value, known to every worker; NaN stays NaN."""
        import tensorflow as tf

        if self.workers == 1:
            return value
        mine = tf.constant((value if self.is_chief else 0.0) / self.local, tf.float64)
        return float(tf.function(lambda: self.sum(self.strategy.run(lambda: tf.identity(mine))))())


def alone() -> Team:
    """One process on one device."""
    import tensorflow as tf

    return Team(0, 1, tf.distribute.get_strategy())


def team(way: Distribute, environment: Mapping[str, str] = os.environ) -> Team:
    """Bring the workers together. Raises RunError for a TF_CONFIG that is missing or does not make sense.

    "mirrored" uses every graphics card of this host. "multiworker" waits for all workers that TF_CONFIG names.
    """
    import tensorflow as tf

    if way == "none":
        return alone()
    if way == "mirrored":
        return Team(0, 1, tf.distribute.MirroredStrategy())
    worker, workers = _place(environment.get("TF_CONFIG", ""))
    return Team(worker, workers, tf.distribute.MultiWorkerMirroredStrategy())


def _place(text: str) -> tuple[int, int]:
    """(index of this worker, number of workers) from TF_CONFIG."""
    example = '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, "task": {"type": "worker", "index": 0}}'
    try:
        cells = json.loads(text)
        workers, index = list(cells["cluster"]["worker"]), int(cells["task"]["index"])
        if cells["task"]["type"] != "worker" or not 0 <= index < len(workers):
            raise ValueError(text)
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"--distribute multiworker needs TF_CONFIG. Received: {text or 'nothing'}. Like: {example}"
        ) from error
    return index, len(workers)


class ReadOnlyRun(RunFolder):
    """The run folder as all workers but the chief have it: read, never written."""

    def create(self, config: dict[str, Any]) -> None:
        """The chief does it."""

    def claim(self) -> None:
        """The chief does it."""

    def tell(self, state: str, **more: Any) -> None:
        """The chief does it."""

    def append(self, line: dict[str, Any]) -> None:
        """The chief does it."""

    def cut_metrics(self, size: int) -> None:
        """The chief does it."""
