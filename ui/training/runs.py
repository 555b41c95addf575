"""Available runs: those on this host, and recorded ones that ship with the project."""

from pathlib import Path
from typing import Final

import pandas as pd
import streamlit as st

from covid_model.settings import ASSETS, runs_folder
from covid_model.training.history import MetricsReader
from covid_model.training.run_folder import RunFolder, runs_in

RECORDED: Final = ASSETS / "runs"


def is_recorded(run: RunFolder) -> bool:
    """True for a run that ships with the project."""
    return run.path.parent == RECORDED


def available_runs() -> dict[str, RunFolder]:
    """Name -> run: this host's runs, latest first, then the recorded ones."""
    own = {run.name: run for run in runs_in(runs_folder())}
    return own | {f"recorded: {run.name}": run for run in runs_in(RECORDED)}


@st.cache_resource(max_entries=16, show_spinner=False)
def _reader(path: str) -> MetricsReader:
    return MetricsReader(RunFolder(Path(path)))


def metrics_of(run: RunFolder) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(steps, epochs) of a run; a live run's file is read from where the last call stopped."""
    return _reader(str(run.path)).look()
