"""All runs in a table that can be sorted and filtered; a click on a row shows its run."""

import pandas as pd
import streamlit as st

from covid_model.training.run_folder import RunFolder
from covid_model.training.runs_table import runs_table
from ui.links import choose
from ui.training.launching import RUN
from ui.training.runs import metrics_of

FORMATS = {"loss": "%.3f", "accuracy": "%.3f", "AUC": "%.3f"}
TABLE = "runs_table"


def all_runs(runs: dict[str, RunFolder]) -> None:
    """The table, a search and a choice of models. Clicks on the column titles sort."""
    table = runs_table(runs, {name: metrics_of(run) for name, run in runs.items()})
    search, models = st.columns([3, 2])
    text = search.text_input("Search runs", key="runs_search", placeholder="Name, state or setting")
    chosen = models.multiselect("Models", sorted(table["model"].unique()), key="runs_models", placeholder="All models")
    shown = filtered(table, text, chosen)
    st.dataframe(
        shown,
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format=form) for name, form in FORMATS.items()},
        on_select=lambda: _show(shown),
        selection_mode="single-row",
        key=TABLE,
        alt="All runs with state, scores and settings",
    )
    st.caption(f"{len(shown)} of {len(table)} runs; loss, accuracy and AUC: best epoch, validation images.")


def filtered(table: pd.DataFrame, text: str, models: list[str]) -> pd.DataFrame:
    """The rows that hold every word of `text` in any column, of `models` where some are named."""
    found = table[table["model"].isin(models)] if models else table
    words = text.lower().split()
    rows = [" ".join(map(str, cells)).lower() for cells in found.itertuples(index=False)]
    return found[[all(word in row for word in words) for row in rows]]


def _show(shown: pd.DataFrame) -> None:
    if rows := st.session_state[TABLE].selection.rows:
        choose(RUN, shown["run"].iloc[rows[0]])
