"""What a run tells while it trains: a line every few steps, a line an epoch, for the dashboard and for TensorBoard."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil

from covid_model.training.events import Events
from covid_model.training.run_folder import RunFolder


@dataclass(eq=False)
class EpochSoFar:
    """Sums over the steps of one epoch. steps, batch: steps and images a step, all workers; left: epochs after this one."""

    number: int
    steps: int
    batch: int
    left: int
    losses: list[float] = field(default_factory=list)
    rights: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)

    def add(self, loss: float, right: float) -> None:
        """One more step. right: images called right."""
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
    """Writes metrics to the run folder and, in the chief, to event files."""

    def __init__(self, run: RunFolder, *, events: bool) -> None:
        self._run = run
        self._events = Events(run.path) if events else None

    def step(self, sofar: EpochSoFar, step: int, rate: float, recent: int) -> None:
        """A line about the last `recent` steps."""
        seconds, done = sofar.seconds, sofar.done
        line = {
            "kind": "step",
            "step": step,
            "epoch": sofar.number + done / sofar.steps,
            "time": time.time(),
            "loss": float(np.mean(sofar.losses[-recent:])),
            "accuracy": float(np.mean(sofar.rights[-recent:])),
            "learning_rate": rate,
            "images_per_second": done * sofar.batch / seconds,
            "memory_mb": psutil.Process().memory_info().rss / 1e6,
            "eta_s": ((sofar.left + 1) * sofar.steps - done) * seconds / done,
        }
        self._write(line)
        self._run.tell("training", epoch=line["epoch"], step=step, eta_s=line["eta_s"])

    def epoch(self, sofar: EpochSoFar, step: int, rate: float, found: dict[str, Any]) -> None:
        """A line about a whole epoch and what was found on the validation images after it."""
        about = {"kind": "epoch", "epoch": sofar.number + 1, "step": step, "time": time.time()}
        trained = {
            "loss": float(np.mean(sofar.losses)),
            "accuracy": float(np.mean(sofar.rights)),
            "learning_rate": rate,
            "seconds": sofar.seconds,
        }
        self._write({**about, **trained, **found})

    def _write(self, line: dict[str, Any]) -> None:
        self._run.append(line)
        if self._events is not None:
            self._events.write(line)
