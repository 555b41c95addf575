"""Read the metrics of a run, also while it is training. Needs no TensorFlow."""

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
    """The metrics of a run that may be training; each `look` reads only what was added since the one before."""

    def __init__(self, run: RunFolder) -> None:
        self._run, self._lock = run, threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._offset, self._tables = 0, (pd.DataFrame(), pd.DataFrame())

    def look(self) -> Tables:
        """All metrics so far; an incomplete line is left for the next call. Raises RunError for damaged metrics."""
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
    """Indices of at most `points` values with which a long curve looks the same: the extremes of `points` / 2 sections.

    >>> thinned(pd.Series([0, 5, 1, 0, 9, 2]), 4).tolist()
    [0, 1, 3, 4]
    """
    if len(values) <= points:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), points // 2)
    plain = values.to_numpy(float)
    return np.unique([stretch[pick(plain[stretch])] for stretch in stretches for pick in (np.argmin, np.argmax)])


def smoothed(values: pd.Series, strength: float) -> pd.Series:
    """Exponential running mean without a bias at the start; strength in [0, 1), 0 returns the values.

    >>> smoothed(pd.Series([1.0, 1.0]), 0.9).tolist()
    [1.0, 1.0]
    """
    return values if strength <= 0 else values.ewm(alpha=1 - strength, adjust=True).mean()


def best_epoch(epochs: pd.DataFrame) -> int | None:
    """The epoch with the lowest validation loss; None where there is none.

    >>> best_epoch(pd.DataFrame({"epoch": [1, 2, 3], "val_loss": [0.9, 0.4, 0.5]}))
    2
    """
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
