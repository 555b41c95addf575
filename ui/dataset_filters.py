"""The filters of the Dataset page, each with the films a click would give, carried by the address."""

from typing import Final

import streamlit as st

from covid_model.data.browse import Films
from covid_model.data.filters import FILTERS, SORTS, Query

BETWEEN: Final = "|"
"""Between values in the address."""
NAMES: Final = ("words", "sort", "down")


def query_of(params: dict[str, str], columns: tuple[str, ...]) -> Query:
    """The query that an address carries; what it does not understand is left out."""
    choices, ranges = {}, {}
    for key, row in FILTERS.items():
        text = params.get(key, "")
        if row.needs not in columns or not text:
            continue
        if row.kind == "choice":
            choices[key] = tuple(text.split(BETWEEN))
        else:
            low, _, high = text.partition("-")
            try:
                ranges[key] = (max(row.low, float(low)), min(row.high, float(high)))
            except ValueError:
                continue
    sort = params.get("sort", "")
    return Query(choices, ranges, params.get("words", ""), sort if sort in SORTS else "", params.get("down") == "1")


def params_of(query: Query) -> dict[str, str]:
    """What `query_of` reads back."""
    found = {key: BETWEEN.join(values) for key, values in query.choices.items() if values}
    found |= {key: f"{low:g}-{high:g}" for key, (low, high) in query.ranges.items()}
    plain = {"words": query.words, "sort": query.sort, "down": "1" if query.descending else ""}
    return found | {name: value for name, value in plain.items() if value}


def show_in_address(query: Query) -> None:
    """Put the query into the address; what else stands there stays."""
    wanted = params_of(query)
    for name in (*FILTERS, *NAMES):
        if name in wanted:
            st.query_params[name] = wanted[name]
        else:
            st.query_params.pop(name, None)


def filter_widgets(films: Films) -> Query:
    """Widgets for every filter the manifest has; the address follows them, and they follow a link once."""
    if "filters_from" not in st.session_state:
        st.session_state["filters_from"] = query_of(st.query_params.to_dict(), films.columns)
    query: Query = st.session_state["filters_from"]
    words = st.text_input("Search in finding, patient, view, licence, file", query.words, key="f_words")
    query = Query(query.choices, query.ranges, words, query.sort, query.descending)
    facets = films.facets(query)
    choices: dict[str, tuple[str, ...]] = {}
    for key, counts in facets.items():
        chosen = query.choices.get(key, ())
        values = [*counts, *(value for value in chosen if value not in counts)]
        if len(values) < 2 and not chosen:
            continue
        picked = st.multiselect(
            FILTERS[key].title,
            values,
            default=list(chosen),
            key=f"f_{key}_{hash((tuple(counts.items()), chosen))}",  # labels change with the counts
            format_func=lambda value, counts=counts: f"{value} ({counts.get(value, 0):,})",  # type: ignore[misc]
        )
        choices[key] = tuple(picked)
    ranges = {}
    for key, row in FILTERS.items():
        if row.kind == "range" and row.needs in films.columns:
            low, high = query.ranges.get(key, (row.low, row.high))
            picked_range = st.slider(row.title, row.low, row.high, (low, high), 0.05, key=f"f_{key}")
            if picked_range != (row.low, row.high):
                ranges[key] = picked_range
    offered = [column for column in SORTS if not column or column in films.columns]
    sort = st.selectbox("Sort by", offered, offered.index(query.sort) if query.sort in offered else 0, SORTS.__getitem__)
    down = st.toggle("Largest first", query.descending, disabled=not sort)
    found = Query({key: values for key, values in choices.items() if values}, ranges, words, sort, bool(sort and down))
    if found != st.session_state["filters_from"]:
        st.session_state["filters_from"] = found
        st.session_state["grid_page"] = 1
        st.rerun()
    return found
