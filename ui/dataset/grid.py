"""The grid of images: thumbnails, predictions, and links to the Explain page."""

from collections.abc import Container
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from covid_model.data.browse import ManifestTable
from covid_model.data.demo import LICENCE as DEMO_LICENCE
from covid_model.data.filters import Query
from covid_model.data.saved_queries import read_saved_queries, write_saved_queries
from covid_model.data.sources import SOURCES
from covid_model.data.thumbnails import thumbnail
from covid_model.errors import ImageError
from covid_model.models.user_models import available_models
from covid_model.settings import is_public_host
from ui.dataset.filters import QUERY, filter_widgets, params_of, show_in_address
from ui.dataset.narrow import narrowed
from ui.dataset.opened import open_image, opened_image
from ui.inert import inert, inert_message
from ui.links import explain_params
from ui.manifest import image_key
from ui.thumbnail import WIDTH, clickable, thumbnail_style

SIZE: Final = 24


def browse(images: ManifestTable) -> None:
    """Filters above the grid; the address keeps the selection."""
    query = filter_widgets(images)
    grid(images, narrowed(query))
    saved_queries(images, st.session_state[QUERY])
    show_in_address()


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
    """One page of the matching images, with their number and origin. query: with tags resolved to digests."""
    total = images.count(query)
    last = max(1, -(-total // SIZE))
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.markdown(f"**{total:,} image{'' if total == 1 else 's'}** of {images.count():,}")
    if not total:
        st.info("No image matches. Remove a filter.", icon=":material/filter_alt_off:")
        return
    if st.session_state.get("grid_page", 1) > last:
        st.session_state["grid_page"] = last
    number = right.number_input(f"Page (of {last:,})", 1, last, key="grid_page", bind="query-params")
    first = (int(number) - 1) * SIZE
    rows = images.page(query, first, SIZE)

    def row(place: int) -> dict[str, Any] | None:
        found = images.page(query, place, 1)
        return None if found.empty else dict(found.iloc[0])

    _show_rows("grid", rows, first=first)
    opened_image("grid", images.path, total, row)
    provenance(rows)


def show_images(images: ManifestTable, name: str, rows: pd.DataFrame, extra: list[str] | None = None) -> None:
    """Thumbnails of a list called `name`; a click opens one. extra: an additional line of text for each."""
    _show_rows(name, rows, extra)
    opened_image(name, images.path, len(rows), lambda place: dict(rows.iloc[place]) if place < len(rows) else None)


def _show_rows(name: str, rows: pd.DataFrame, extra: list[str] | None = None, *, first: int = 0) -> None:
    """Thumbnails in rows. first: the place of the first one in the whole list."""
    thumbnail_style()
    offered = available_models()
    with st.container(horizontal=True):
        for place in range(len(rows)):
            with st.container(width=WIDTH, key=f"cell_{name}_{place}"):
                show_image(dict(rows.iloc[place]), extra[place] if extra else "", offered, (name, first + place))


def show_image(row: dict[str, Any], extra: str, models: Container[str], thumb: tuple[str, int]) -> None:
    """One image. extra: an additional line of text. models: keys of available models. thumb: its list and place there."""
    title = f"{row['label']}, {row['source']}"
    name, place = thumb
    try:
        clickable(f"{name}_{place}", thumbnail(Path(row["path"]), row["digest"]), f"Image: {title}", open_image, thumb)
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
        for name, part in rows.groupby("source", sort=False):
            st.caption(_terms(str(name), next(iter(part.get("licence", [])), "") or "licence unknown"))


def _terms(name: str, licence: str) -> str:
    """Licence and origin of a source's images, as Markdown."""
    if licence == DEMO_LICENCE:
        return inert(f"{name}: {licence}.")
    source = SOURCES.get(name)
    terms = f"{source.title}: {source.licence}. {source.homepage}" if source else inert(f"{name}: {licence}.")
    return f"{terms} Do not redistribute images without asking the source."
