"""The Dataset page's Quality: what the checks find, and what to do about it."""

from pathlib import Path
from typing import Final

import pandas as pd
import streamlit as st

from covid_model.data.browse import ManifestTable
from covid_model.data.leave_out import (
    as_csv,
    clear_leave_out,
    key_of,
    leave_out,
    leave_out_path,
    listed_images,
    surplus,
)
from covid_model.data.quality import CheckResult, Remedy, run_checks
from covid_model.settings import is_public_host
from ui.dataset.grid import SIZE, show_images
from ui.dataset.measuring import measuring
from ui.dataset.narrow import narrow_button
from ui.inert import inert
from ui.manifest import images_of
from ui.notices import show_errors

ADVICE: Final[dict[Remedy, str]] = {
    "images": "Look at the images. Leave out those that do not belong in the data set.",
    "copies": "One of each group of copies is enough: leave out the others.",
    "rebuild": "Build the manifest again with `data build`, which keeps all images of a patient in one split.",
}


@st.cache_data(max_entries=4, show_spinner="Checking the images …")
def _check_results(path: str, changed: float) -> list[CheckResult]:
    return run_checks(images_of(Path(path)))


def quality(images: ManifestTable) -> None:
    """All checks with their rules; the images found by one of them are shown, with what to do."""
    measuring(images)
    results = _check_results(str(images.path), images.path.stat().st_mtime)
    rows = [
        {
            "check": result.check.title,
            "images": "not measured" if result.count is None else f"{result.count:,}",
            "state": "" if result.count is None or not result.check.severe else "to fix" if result.count else "clean",
            "rule": result.check.rule,
        }
        for result in results
    ]
    st.dataframe(rows, hide_index=True, height="content")
    left_out(images.path)
    some = {result.check.key: result for result in results if result.count}
    if not some:
        return
    key = st.selectbox("Show", list(some), format_func=lambda key: some[key].check.title, key="check")
    found = some[key]
    st.caption(found.check.rule)
    remedies(images.path, found)
    shown = found.images.head(SIZE)
    st.caption(f"The first {len(shown)} of {found.count:,}." if found.count != len(shown) else f"{found.count:,} images.")
    show_images(images, f"check_{key}", shown, shown["why"].tolist())


def remedies(manifest: Path, found: CheckResult) -> None:
    """What to do about one finding: browse, download as a list, leave out of the next manifest."""
    check = found.check
    st.markdown(ADVICE[check.remedy])
    chosen = _to_leave_out(found)
    listed = listed_images(manifest)
    new = chosen[[key_of(row.digest, row.path) not in listed for row in chosen.itertuples()]]
    with st.container(horizontal=True, vertical_alignment="center"), show_errors():
        narrow_button(check.title, tuple(found.images["digest"]))
        rows = [{**row, "file": Path(row["path"]).name, "check": check.key} for row in found.images.to_dict("records")]
        name = f"{manifest.stem}-{check.key}.csv"
        st.download_button("Download the list (CSV)", as_csv(rows), name, "text/csv", on_click="ignore", key="check_csv")
        label = f"Leave {len(new):,} out of the next manifest"
        offered = len(new) and not is_public_host()
        if offered and st.button(label, icon=":material/playlist_remove:", key="leave_out"):
            leave_out(manifest, new.to_dict("records"), check.key)
            st.rerun()


def _to_leave_out(found: CheckResult) -> pd.DataFrame:
    """Which images of a finding its remedy leaves out."""
    if found.check.remedy == "rebuild":
        return found.images.head(0)
    if found.check.remedy == "copies":
        if "phash" in found.images:
            return surplus(found.images)
        return found.images[found.images["digest"].duplicated()]
    return found.images


def left_out(manifest: Path) -> None:
    """How many images the next manifest leaves out, and the command that does it."""
    count = len(listed_images(manifest))
    if not count:
        return
    path = leave_out_path(manifest)
    with st.container(border=True):
        st.markdown(
            f"**{count:,} images are to be left out.** The list is {inert(path.name)}, beside the manifest. Build the next "
            "manifest with it:"
        )
        st.code(f"python -m covid_model data build … --leave-out {path}", language="sh")
        if not is_public_host():
            with show_errors():
                if st.button("Empty the list", icon=":material/delete:", key="leave_out_clear"):
                    clear_leave_out(manifest)
                    st.rerun()
