"""Training: start a run, watch it live, compare runs, and see how attention changes from epoch to epoch."""

from functools import partial
from typing import Final

import streamlit as st

from covid_model.training.history import config_differences
from covid_model.training.run_folder import RunFolder, state_of
from ui.demo import offer_demo
from ui.fragment import fragment
from ui.inert import inert
from ui.links import linked_select
from ui.manifest import manifest_path
from ui.menu import require_entry
from ui.notices import show_errors
from ui.training.launching import AWAITED, RUN, wait_for_run
from ui.training.run_form import start_button
from ui.training.runs import available_runs, metrics_of
from ui.training.table import all_runs
from ui.training.watch import CHANGING, live

TICK: Final = 2.0
MOST: Final = 8


def downloads(run: RunFolder) -> None:
    """The metrics as CSV."""
    steps, epochs = metrics_of(run)
    with st.container(horizontal=True):
        for title, table in (("epochs", epochs), ("steps", steps)):
            name = f"{run.name}-{title}.csv"
            st.download_button(f"{title.title()} (CSV)", partial(table.to_csv, index=False), name, on_click="ignore")


require_entry()
st.header("Training", anchor=False)
with st.container(horizontal=True, vertical_alignment="center"):
    start_button()
    if not manifest_path().is_file():
        offer_demo()
if AWAITED in st.session_state:
    wait_for_run()
runs = available_runs()
if not runs:
    st.info("No runs yet. Start one above or with `python -m covid_model train`.", icon=":material/info:")
else:
    with show_errors():
        with st.sidebar:
            name = linked_select("Run", {run: run for run in runs}, RUN)
            others = st.multiselect(
                "Compare with", [other for other in runs if other != name], key="others", max_selections=MOST - 1
            )
        chosen = runs[name]
        compared = {other: runs[other] for other in others}
        state = state_of(chosen)
        fragment(run_every=TICK if state in CHANGING else None)(live)(name, chosen, compared, state)
        if compared:
            st.markdown("**Different settings**")
            configs = {other: run.config() for other, run in ({name: chosen} | compared).items()}
            st.dataframe(config_differences(configs), hide_index=True)
        downloads(chosen)
    with st.expander(f"All runs ({inert(len(runs))})", icon=":material/table_rows:", key="all_runs"), show_errors():
        all_runs(runs)
