"""Where images come from: the public sources and how to get them, and a form for your own images."""

from collections import Counter
from pathlib import Path
from typing import Final

import streamlit as st

from covid_model.data.labels import LABELS, common_label
from covid_model.data.manifest import build, write_manifest
from covid_model.data.source import FIELDS
from covid_model.data.sources import SOURCES, Source
from covid_model.data.tables import read_table
from covid_model.data.user_source import class_names, classes_source, table_columns, table_source
from covid_model.settings import is_public_host
from ui.inert import inert
from ui.manifest import NEXT, manifest_path

NOTHING: Final = "(none)"
BUILT: Final = "own_report"
"""In the session: the counts of the manifest built last, shown once the page displays it."""


def sources() -> None:
    """Every public source with its licence and how to get it; then the form."""
    st.subheader("Public sources", anchor=False)
    for source in SOURCES.values():
        with st.expander(source.title):
            st.markdown(f"{source.homepage}  \nLicence: {source.licence}. Do not redistribute its images.")
            if source.archives:
                st.code(f"python -m covid_model data fetch {source.name} --out DATA", language="sh")
            else:
                st.markdown(source.by_hand)
            st.code(
                f"python -m covid_model data build --source {source.name}=DATA/{source.folders[0]} --out manifest.parquet"
            )
    st.subheader("Your own images", anchor=False)
    if is_public_host():
        st.info("Images cannot be added to a public copy. Run your own copy instead.", icon=":material/info:")
        return
    user_images()


def user_images() -> None:
    """Match the classes of a folder or the columns of a table, and build a manifest that the page then shows."""
    if lines := st.session_state.pop(BUILT, None):
        st.text("\n".join(lines))  # as plain text: it holds names of files and classes
    kind = st.segmented_control("Layout", ["one folder per class", "a CSV table"], default="one folder per class") or ""
    place = st.text_input("Folder on this machine" if kind != "a CSV table" else "CSV file on this machine", key="own_place")
    images = (
        st.text_input("Folder of the images, if different from the table's", key="own_images")
        if kind == "a CSV table"
        else ""
    )
    name = st.text_input("Source name", "own", key="own_name")
    if not place:
        return
    path = Path(place)
    if kind == "a CSV table":
        names = table_columns(path)
        columns = columns_form(names)
        labels = classes_form(_values(path, columns["label"])) if columns.get("label") else {}
    else:
        columns, labels = {}, classes_form(class_names(path))
    if st.button("Build a manifest", type="primary", icon=":material/playlist_add:", key="own_build"):
        source: Source = (
            table_source(name, path, columns, images=Path(images) if images else None, labels=labels)
            if columns
            else classes_source(name, labels=labels)
        )
        with st.spinner("Reading the images …"):
            table, report = build({name: path.parent if columns else path}, own={name: source})
        out = manifest_path().parent / f"{name}.parquet"
        write_manifest(table, report, out)
        st.session_state[NEXT], st.session_state[BUILT] = str(out), report.lines()
        st.rerun()


def columns_form(names: tuple[str, ...]) -> dict[str, str]:
    """Match columns to fields; a column named like the field is preselected."""
    found = {}
    for field, place in zip(FIELDS, st.columns(3) * 3, strict=True):
        options = [NOTHING, *names]
        chosen = place.selectbox(
            field, options, options.index(field) if field in options else 0, key=f"own_column_{field}", help=HELP.get(field)
        )
        if chosen != NOTHING:
            found[field] = chosen
    return found


HELP: Final = {
    "path": "Relative to the table or to the folder of the images.",
    "patient": "Images of one patient stay in one split.",
}


def classes_form(names: list[str]) -> dict[str, str]:
    """Match classes to labels; the label of a common class name is preselected."""
    found = {}
    for number, (name, place) in enumerate(zip(names, st.columns(3) * len(names), strict=False)):
        options = [NOTHING, *LABELS]
        proposed = common_label(name)
        chosen = place.selectbox(
            f"“{inert(name)}” means", options, options.index(proposed) if proposed else 0, key=f"own_class_{number}_{name}"
        )
        if chosen != NOTHING:
            found[name] = chosen
    return found


@st.cache_data(max_entries=4, ttl="5m", show_spinner=False)
def _values(path: Path, column: str, most: int = 12) -> list[str]:
    """The most frequent values of a column."""
    return [value for value, _ in Counter(cells[column].strip() for cells in read_table(path).rows).most_common(most)]
