"""A command in a process of its own, shown with its progress until it has ended."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from covid_model.jobs import find_job
from ui.fragment import fragment
from ui.inert import inert_message


def job_shown(record: Path, waiting: str, ended: Callable[[Path], None]) -> bool:
    """Show the job of this name; True while it is at work. waiting: shown before the first item.

    ended: called with the job's result once it is there; the page runs again afterwards. A failure is one sentence until the
    user closes it.
    """
    job = find_job(record)
    if job is None:
        return False
    if job.state() == "failed":
        st.error(inert_message(job.failure()), icon=":material/error:")
        st.button("Close", key=f"close_{record.name}", on_click=job.forget)
        return False
    _watched(record, waiting, ended)
    return True


@fragment(run_every=1.0)
def _watched(record: Path, waiting: str, ended: Callable[[Path], None]) -> None:
    job = find_job(record)
    if job is None or job.state() == "failed":
        st.rerun()
    if job.state() == "done":
        job.forget()
        ended(job.result)
        st.rerun()
    found = job.progress()
    with st.container(horizontal=True, vertical_alignment="center"):
        if found is None:
            st.progress(0.0, waiting)
        else:
            what, done, total = found
            st.progress(done / max(1, total), f"{what.capitalize()}: {done:,} of {total:,} images")
        st.button("Stop", key=f"stop_{record.name}", on_click=job.stop)
