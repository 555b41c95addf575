"""The metrics of a run while it trains: a line every few steps and a line every epoch."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from covid_model.training.run_folder import RunFolder


@dataclass(eq=False)
class EpochSoFar:
    """Metrics of the steps of one epoch. steps: in the epoch; batch: images a step, of all workers; left: later epochs."""

    number: int
    steps: int
    batch: int
    left: int
    losses: list[float] = field(default_factory=list)
    rights: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)

    def add(self, loss: float, right: float) -> None:
        """Add one step. right: correctly classified images."""
        self.losses.append(loss)
        self.rights.append(right / self.batch)

    @property
    def done(self) -> int:
        """Steps done."""
        return len(self.losses)

    @property
    def seconds(self) -> float:
        """Seconds since the epoch began."""
        return time.perf_counter() - self.begun


class MetricsWriter:
    """Writes metrics to the run folder. accuracy: does the task count correctly classified images?"""

    def __init__(self, run: RunFolder, *, accuracy: bool) -> None:
        self._run, self._accuracy = run, accuracy

    def step(self, sofar: EpochSoFar, step: int, rate: float, recent: int) -> None:
        """Write a line about the last `recent` steps. rate: learning rate."""
        seconds, done = sofar.seconds, sofar.done
        line = {
            "kind": "step",
            "step": step,
            "epoch": sofar.number + done / sofar.steps,
            "time": time.time(),
            **self._means(sofar, recent),
            "learning_rate": rate,
            "images_per_second": done * sofar.batch / seconds,
            "memory_mb": psutil.Process().memory_info().rss / 1e6,
            "eta_s": ((sofar.left + 1) * sofar.steps - done) * seconds / done,
        }
        self._run.append(line)
        self._run.set_status("training", epoch=line["epoch"], step=step, eta_s=line["eta_s"])

    def epoch(self, sofar: EpochSoFar, step: int, rate: float, found: dict[str, Any]) -> None:
        """Write a line about an epoch and its validation. found: validation metrics."""
        about = {"kind": "epoch", "epoch": sofar.number + 1, "step": step, "time": time.time()}
        trained = {**self._means(sofar, sofar.done), "learning_rate": rate, "seconds": sofar.seconds}
        self._run.append({**about, **trained, **found})

    def _means(self, sofar: EpochSoFar, recent: int) -> dict[str, float]:
        means = {"loss": float(np.mean(sofar.losses[-recent:]))}
        return means | ({"accuracy": float(np.mean(sofar.rights[-recent:]))} if self._accuracy else {})
