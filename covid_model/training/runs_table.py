"""All runs in one table: state, scores, and the settings in which they differ."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from covid_model.training.history import Tables, best_epoch, config_differences
from covid_model.training.run_folder import RunFolder, state_of

AUC: Final = "val_auc/"
HIDDEN: Final = frozenset({"data_hash", "manifest", "images", "model", "log_every", "base"})
"""Settings that say nothing by their value, or have columns of their own."""


def runs_table(runs: Mapping[str, RunFolder], tables: Mapping[str, Tables]) -> pd.DataFrame:
    """One row a run, in the order of `runs`: run, model, state, epochs, the best epoch's loss, accuracy and mean AUC, and
    every setting in which the runs differ. Numbers are None where a run has none. tables: their metrics.
    """
    configs = {name: run.config() for name, run in runs.items()}
    rows = [
        {"run": name, "model": configs[name].get("model", ""), "state": state_of(run), **_best(tables[name][1])}
        for name, run in runs.items()
    ]
    columns = ["run", "model", "state", "epochs done", "best epoch", "loss", "accuracy", "AUC"]
    table = pd.DataFrame(rows, columns=columns)
    differ = config_differences(configs)
    for cells in differ.to_dict("records"):
        if cells["setting"] not in HIDDEN:
            table[cells["setting"].replace("_", " ")] = [_shown(configs[name].get(cells["setting"])) for name in runs]
    return table


def _best(epochs: pd.DataFrame) -> dict[str, Any]:
    """Epochs so far, and the validation scores of the best one."""
    if epochs.empty:
        return {"epochs done": 0}
    number = best_epoch(epochs)
    row = epochs[epochs["epoch"] == number].iloc[-1] if number is not None else epochs.iloc[-1]
    aucs = pd.to_numeric(pd.Series([row[name] for name in epochs if name.startswith(AUC)], dtype=object)).dropna()
    return {
        "epochs done": int(epochs["epoch"].max()),
        "best epoch": number,
        "loss": row.get("val_loss"),
        "accuracy": row.get("val_accuracy"),
        "AUC": float(aucs.mean()) if len(aucs) else None,
    }


def _shown(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
