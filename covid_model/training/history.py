"""Read the metrics of a run, also while it is being written. Needs no TensorFlow."""

import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import json as arrow_json

from covid_model.errors import RunError
from covid_model.training.run_folder import RunFolder

Tables = tuple[pd.DataFrame, pd.DataFrame]
"""(step lines, epoch lines), one row a line."""


class MetricsReader:
    """The metrics of a run that may still be growing: each look reads only what was added since the one before."""

    def __init__(self, run: RunFolder) -> None:
        self._run, self._lock = run, threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._offset, self._tables = 0, (pd.DataFrame(), pd.DataFrame())

    def look(self) -> Tables:
        """Everything so far; a line still being written is left for the next look. Raises RunError where it is damaged."""
        with self._lock:
            if self._run.metrics_size() < self._offset:  # resumed from a checkpoint before the last lines
                self._forget()
            try:
                with (self._run.path / "metrics.jsonl").open("rb") as stream:
                    stream.seek(self._offset)
                    data = stream.read()
            except OSError:
                return self._tables
            data = data[: data.rfind(b"\n") + 1]
            if data:
                steps, epochs = _tables(data, self._run.name)
                self._tables = _joined(self._tables[0], steps), _joined(self._tables[1], epochs)
                self._offset += len(data)
            return self._tables


def _tables(data: bytes, name: str) -> Tables:
    try:
        table = arrow_json.read_json(BytesIO(data)).to_pandas()
    except pa.ArrowInvalid as error:
        raise RunError(f"The metrics of {name} are damaged: {error}") from error
    parts = [table[table["kind"] == kind].dropna(axis=1, how="all").reset_index(drop=True) for kind in ("step", "epoch")]
    return parts[0], parts[1]


def _joined(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    return new if old.empty else old if new.empty else pd.concat([old, new], ignore_index=True)


def thinned(values: pd.Series, points: int) -> NDArray[np.int64]:
    """At most `points` places of a long curve that draw alike: lowest and highest of each of `points` / 2 stretches."""
    if len(values) <= points:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), points // 2)
    plain = values.to_numpy(float)
    return np.unique([stretch[pick(plain[stretch])] for stretch in stretches for pick in (np.argmin, np.argmax)])


def smoothed(values: pd.Series, strength: float) -> pd.Series:
    """Exponential running mean without a bias at the start; strength in [0, 1), 0 leaves the values."""
    return values if strength <= 0 else values.ewm(alpha=1 - strength, adjust=True).mean()


def best_epoch(epochs: pd.DataFrame) -> int | None:
    """The epoch of lowest validation loss."""
    if epochs.empty or "val_loss" not in epochs:
        return None
    return int(epochs.loc[epochs["val_loss"].idxmin(), "epoch"])


def map_epochs(run: RunFolder) -> dict[int, Path]:
    """The heatmap files of a run by epoch."""
    return {int(path.stem.split("-")[1]): path for path in sorted((run.path / "maps").glob("epoch-*.npz"))}


def read_maps(path: Path) -> dict[str, NDArray[Any]]:
    """maps (n, h, w), inputs (n, H, W) uint8, label, lungs, drawn of one epoch."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def config_differences(configs: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Settings in which runs differ, one row a setting, one column a run."""
    names = list(dict.fromkeys(name for config in configs.values() for name in config))
    rows = {name: [str(config.get(name, "")) for config in configs.values()] for name in names}
    return pd.DataFrame(
        [[name, *values] for name, values in rows.items() if len(set(values)) > 1], columns=["setting", *configs]
    )
