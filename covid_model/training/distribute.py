"""Training on several devices or hosts by tf.distribute.

Every worker computes its part of each batch; gradients are summed before the optimiser uses them, so that the loss is that
of one process. Only the chief, worker 0, writes to the run folder, which all workers must be able to read.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from covid_model.errors import RunError
from covid_model.training.run_folder import RunFolder

if TYPE_CHECKING:
    import tensorflow as tf

Distribute = Literal["none", "mirrored", "multiworker"]
WAYS: Final[tuple[Distribute, ...]] = ("none", "mirrored", "multiworker")


@dataclass(frozen=True)
class Workers:
    """The processes that train one run. index: this process, from 0, of `count`. strategy: how TensorFlow connects them."""

    index: int
    count: int
    strategy: "tf.distribute.Strategy"

    @property
    def is_chief(self) -> bool:
        """Does this process write?"""
        return self.index == 0

    @property
    def local(self) -> int:
        """Number of devices of this process."""
        return int(self.strategy.num_replicas_in_sync) // self.count

    def split(self, arrays: Any) -> Any:
        """Split this worker's part of a batch, arrays in any nested structure, among its devices."""
        import tensorflow as tf

        if self.local == 1:
            return arrays
        first = self.index * self.local

        def cut(array: Any) -> Any:
            parts = np.array_split(array, self.local)
            return self.strategy.experimental_distribute_values_from_function(
                lambda context: parts[context.replica_id_in_sync_group - first]
            )

        return tf.nest.map_structure(cut, arrays)

    def sum(self, values: Any) -> Any:
        """The sum of values over all devices, for every device."""
        import tensorflow as tf

        return tf.nest.map_structure(
            lambda value: self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None), values
        )

    def from_chief(self, value: float) -> float:
        """The chief's value, on every worker; NaN stays NaN."""
        import tensorflow as tf

        if self.count == 1:
            return value
        mine = tf.constant((value if self.is_chief else 0.0) / self.local, tf.float64)
        return float(tf.function(lambda: self.sum(self.strategy.run(lambda: tf.identity(mine))))())


def one_worker() -> Workers:
    """One process on one device."""
    import tensorflow as tf

    return Workers(0, 1, tf.distribute.get_strategy())


def connect_workers(way: Distribute, environment: Mapping[str, str] = os.environ) -> Workers:
    """Connect the workers. Raises RunError for a missing or invalid TF_CONFIG.

    "mirrored" uses every graphics card of this host. "multiworker" waits for all workers that TF_CONFIG names.
    """
    import tensorflow as tf

    if way == "none":
        return one_worker()
    if way == "mirrored":
        return Workers(0, 1, tf.distribute.MirroredStrategy())
    index, count = _place(environment.get("TF_CONFIG", ""))
    return Workers(index, count, tf.distribute.MultiWorkerMirroredStrategy())


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
            f"--distribute multiworker needs TF_CONFIG. Received: {text or 'nothing'}. An example: {example}"
        ) from error
    return index, len(workers)


class ReadOnlyRun(RunFolder):
    """The run folder for all workers but the chief, who read it and never write."""

    def check_new(self) -> None:
        """The chief may have created it already."""

    def create(self, config: dict[str, Any]) -> None:
        """Only the chief creates it."""

    def claim(self) -> None:
        """Only the chief claims it."""

    def start_over(self) -> None:
        """Only the chief writes."""

    def set_status(self, state: str, **more: Any) -> None:
        """Only the chief writes."""

    def append(self, line: dict[str, Any]) -> None:
        """Only the chief writes."""

    def cut_metrics(self, size: int) -> None:
        """Only the chief writes."""
