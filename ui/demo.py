"""The offer to draw a demo data set, where there is no manifest yet."""

from itertools import count
from pathlib import Path
from typing import Final

import streamlit as st

from covid_model.jobs import find_job, start_job
from covid_model.settings import is_public_host
from ui.jobs import job_shown
from ui.manifest import NEXT, manifest_path
from ui.notices import show_errors

VIEW: Final = "view"
"""Key of the Dataset page's tabs."""
FOLDER: Final = "demo"
"""Beside the manifest that is missing."""
IMAGES: Final = 600


def offer_demo() -> None:
    """A button that draws the demo data set in a process of its own; the page then shows it. Nothing on a public copy."""
    if is_public_host():
        return
    folder = _folder(manifest_path().parent)
    if job_shown(folder, "Starting to draw …", _opened):
        return
    if (ready := folder / "manifest.parquet").is_file():
        st.button("Open the demo data set", icon=":material/brush:", key="demo_open", on_click=_opened, args=(ready,))
        return
    with show_errors():
        if st.button(
            "Draw a demo data set",
            icon=":material/brush:",
            key="demo_draw",
            help=f"{IMAGES} drawn images of no patient with known lesions, hospitals and faults, in {folder.name}/; under a "
            "minute.",
        ):
            arguments = ["data", "demo", "--out", str(folder), "--images", str(IMAGES)]
            start_job(arguments, folder, folder / "manifest.parquet", "Drawing")
            st.rerun()


def _folder(parent: Path) -> Path:
    """Where the demo data set is, or is drawn to: a new folder where an earlier one was left unfinished."""
    folder = parent / FOLDER
    for number in count(2):
        ready = (folder / "manifest.parquet").is_file()
        if ready or not folder.exists() or find_job(folder) is not None:
            break
        folder = parent / f"{FOLDER}-{number}"
    return folder


def _opened(manifest: Path) -> None:
    st.session_state[NEXT] = str(manifest)
    st.session_state[VIEW] = "Browse"  # else the next click returns to the tab that was open before
