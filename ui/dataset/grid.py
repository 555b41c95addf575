"""The grid of images: thumbnails, predictions, and links to the Explain page."""

from collections.abc import Container
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from covid_model.data.browse import ManifestTable
from covid_model.data.filters import Query
from covid_model.data.saved_queries import read_saved_queries, write_saved_queries
from covid_model.data.sources import SOURCES
from covid_model.data.thumbnails import thumbnail
from covid_model.errors import ImageError
from covid_model.models.user_models import available_models
from covid_model.settings import is_public_host
from ui.dataset.filters import filter_widgets, params_of, show_in_address
from ui.dataset.narrow import narrowed
from ui.inert import inert, inert_message
from ui.links import explain_params
from ui.manifest import image_key

ACROSS: Final = 6
SIZE: Final = 24


def browse(images: ManifestTable) -> None:
    """Filters next to the grid; the address keeps the selection."""
    narrow, wide = st.columns([1, 4], gap="large")
    with narrow:
        query = filter_widgets(images)
    with wide:
        grid(images, narrowed(query))
        saved_queries(images, query)
    show_in_address(query)


def saved_queries(images: ManifestTable, query: Query) -> None:
    """Links to saved queries, and a form to save the current one."""
    with st.expander("Saved queries", icon=":material/bookmark:"):
        saved = read_saved_queries(images.path)
        for name, params in saved.items():
            st.page_link("pages/dataset.py", label=inert(name), query_params=params, icon=":material/bookmark:")
        if is_public_host():
            st.caption("Queries cannot be saved on a public copy. Copy the address instead; it contains the query.")
            return
        name = st.text_input("Query name", key="query_name")
        if st.button("Save", disabled=not name, key="query_save"):
            write_saved_queries(images.path, {**saved, name: params_of(query)})
            st.rerun()


def grid(images: ManifestTable, query: Query) -> None:
    """One page of the matching images, with their number and origin."""
    total = images.count(query)
    last = max(1, -(-total // SIZE))
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.markdown(f"**{total:,} images** of {images.count():,}")
    if not total:
        st.info("No image matches. Remove a filter.", icon=":material/filter_alt_off:")
        return
    if st.session_state.get("grid_page", 1) > last:
        st.session_state["grid_page"] = last
    number = right.number_input(f"Page (of {last:,})", 1, last, key="grid_page", bind="query-params")
    rows = images.page(query, (int(number) - 1) * SIZE, SIZE)
    show_images(rows)
    provenance(rows)


def show_images(rows: pd.DataFrame, extra: list[str] | None = None) -> None:
    """Thumbnails in rows of ACROSS. extra: an additional line of text for each."""
    offered = available_models()
    for start in range(0, len(rows), ACROSS):
        for place, column in zip(range(start, min(start + ACROSS, len(rows))), st.columns(ACROSS), strict=False):
            with column:
                show_image(dict(rows.iloc[place]), extra[place] if extra else "", offered)


def show_image(row: dict[str, Any], extra: str, models: Container[str]) -> None:
    """One image. extra: an additional line of text. models: keys of available models."""
    title = f"{row['label']}, {row['source']}"
    try:
        st.image(thumbnail(Path(row["path"]), row["digest"]), width="stretch", alt=f"Image: {title}")
    except ImageError as error:
        st.warning(inert_message(error), icon=":material/broken_image:")
    facts = [title, *(str(row[name]) for name in ("view", "sex") if row.get(name))]
    if pd.notna(row.get("age")):
        facts.append(f"{row['age']:.0f} years")
    prediction = ""
    if isinstance(row.get("predicted"), str):
        mark = "" if row.get("correct") is None else " ✓" if row["correct"] else " ✗"
        prediction = f"→ {row['predicted']} {row['confidence']:.0%}{mark}"
    lines = (", ".join(facts), prediction, extra)
    st.caption("  \n".join(inert(line) for line in lines if line))
    measured = {"model": row["model"]} if row.get("model") in models else {}
    params = explain_params(image=image_key(row["digest"]), **measured)
    st.page_link("pages/explain.py", label="Explain", icon=":material/visibility:", query_params=params)


def provenance(rows: pd.DataFrame) -> None:
    """Where these images come from, and their terms of use."""
    with st.expander("Where these images come from", icon=":material/policy:"):
        columns = [name for name in ("source", "licence", "link", "patient", "finding", "digest", "path") if name in rows]
        shown = rows[columns].assign(path=rows["path"].map(lambda path: Path(path).name))
        st.dataframe(shown, hide_index=True)  # links as text: a manifest can name any address
        for name in rows["source"].unique():
            source = SOURCES.get(name)
            terms = f"{source.title}: {source.licence}. {source.homepage}" if source else f"{inert(name)}: licence unknown."
            st.caption(f"{terms} Do not redistribute images without asking the source.")
