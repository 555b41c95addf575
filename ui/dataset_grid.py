"""The grid of films: small pictures, what the model made of them, and the way to the Explain page."""

from collections.abc import Container
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from covid_model.data.browse import Films
from covid_model.data.filters import Query
from covid_model.data.sources import SOURCES
from covid_model.data.thumbnails import thumbnail
from covid_model.data.views import read_views, write_views
from covid_model.errors import FilmError
from covid_model.training.process import is_small_host
from covid_model.zoo.own import models_at_hand
from ui.dataset_filters import filter_widgets, params_of, show_in_address
from ui.dataset_narrow import narrowed
from ui.links import explain_params
from ui.manifest import film_key

ACROSS: Final = 6
SIZE: Final = 24


def browse(films: Films) -> None:
    """Filters beside the grid; the address carries the selection."""
    narrow, wide = st.columns([1, 4], gap="large")
    with narrow:
        query = filter_widgets(films)
    with wide:
        grid(films, narrowed(query))
        saved_views(films, query)
    show_in_address(query)


def saved_views(films: Films, query: Query) -> None:
    """Selections kept under a name."""
    with st.expander("Saved views", icon=":material/bookmark:"):
        kept = read_views(films.path)
        for name, params in kept.items():
            st.page_link("pages/dataset.py", label=name, query_params=params, icon=":material/bookmark:")
        if is_small_host():
            st.caption("On a shared host the address is the view: copy it.")
            return
        name = st.text_input("Name of this view", key="view_name")
        if st.button("Keep", disabled=not name, key="view_keep"):
            write_views(films.path, {**kept, name: params_of(query)})
            st.rerun()


def grid(films: Films, query: Query) -> None:
    """One page of the matching films, with how many there are and where they come from."""
    total = films.count(query)
    last = max(1, -(-total // SIZE))
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.markdown(f"**{total:,} films** of {films.count():,}")
    if not total:
        st.info("No film matches; lift a filter.", icon=":material/filter_alt_off:")
        return
    if st.session_state.get("grid_page", 1) > last:
        st.session_state["grid_page"] = last
    number = right.number_input(f"Page (of {last:,})", 1, last, key="grid_page")
    rows = films.page(query, (int(number) - 1) * SIZE, SIZE)
    show_films(rows)
    provenance(rows)


def show_films(rows: pd.DataFrame, extra: list[str] | None = None) -> None:
    """Films as small pictures in rows of ACROSS. extra: a line for each beside what is known."""
    offered = models_at_hand()
    for start in range(0, len(rows), ACROSS):
        for place, column in zip(range(start, min(start + ACROSS, len(rows))), st.columns(ACROSS), strict=False):
            with column:
                show_film(dict(rows.iloc[place]), extra[place] if extra else "", offered)


def show_film(row: dict[str, Any], extra: str, models: Container[str]) -> None:
    """One film. models: keys of those that can explain it."""
    title = f"{row['label']}, {row['source']}"
    try:
        st.image(thumbnail(Path(row["path"]), row["digest"]), width="stretch", alt=f"Film: {title}")
    except FilmError as error:
        st.warning(str(error), icon=":material/broken_image:")
    told = [title, *(str(row[name]) for name in ("view", "sex") if row.get(name))]
    if pd.notna(row.get("age")):
        told.append(f"{row['age']:.0f} years")
    answer = ""
    if isinstance(row.get("predicted"), str):
        mark = "" if row.get("correct") is None else " ✓" if row["correct"] else " ✗"
        answer = f"  \n→ {row['predicted']} {row['confidence']:.0%}{mark}"
    st.caption(", ".join(told) + answer + (f"  \n{extra}" if extra else ""))
    measured = {"model": row["model"]} if row.get("model") in models else {}
    params = explain_params(film=film_key(row["digest"]), **measured)
    st.page_link("pages/explain.py", label="Explain", icon=":material/visibility:", query_params=params)


def provenance(rows: pd.DataFrame) -> None:
    """Where these films come from, and what may be done with them."""
    with st.expander("Where these films come from", icon=":material/policy:"):
        columns = [name for name in ("source", "licence", "link", "patient", "finding", "digest", "path") if name in rows]
        shown = rows[columns].assign(path=rows["path"].map(lambda path: Path(path).name))
        st.dataframe(shown, hide_index=True, column_config={"link": st.column_config.LinkColumn()})
        for name in rows["source"].unique():
            source = SOURCES.get(name)
            terms = f"{source.title}: {source.licence}. {source.homepage}" if source else f"{name}: licence not known here."
            st.caption(f"{terms} Nothing here allows you to pass films on; ask the source.")
