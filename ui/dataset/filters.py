"""The filters of the Dataset page, each value with its image count, kept in the address."""

from dataclasses import replace
from typing import Final

import streamlit as st

from covid_model.data.browse import ManifestTable
from covid_model.data.filters import FILTERS, SORTS, Query

BETWEEN: Final = "|"
"""Separates values in the address."""
NAMES: Final = ("search", "sort", "down")
QUERY: Final = "dataset_query"
WRITTEN: Final = "dataset_address"
"""In the session: what this page wrote into the address. Anything else there comes from a link."""
TURN: Final = "dataset_turn"
"""In the session: the number of links followed; each gets new widgets."""


def query_of(params: dict[str, str], columns: tuple[str, ...]) -> Query:
    """The query in an address; unknown or invalid parts are ignored."""
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
    return Query(choices, ranges, params.get("search", ""), sort if sort in SORTS else "", params.get("down") == "1")


def params_of(query: Query) -> dict[str, str]:
    """The address parameters of a query; `query_of` reads them."""
    found = {key: BETWEEN.join(values) for key, values in query.choices.items() if values}
    found |= {key: f"{low:g}-{high:g}" for key, (low, high) in query.ranges.items()}
    plain = {"search": query.text, "sort": query.sort, "down": "1" if query.descending else ""}
    return found | {name: value for name, value in plain.items() if value}


def show_in_address(query: Query) -> None:
    """Write the query into the address and keep everything else there."""
    wanted = params_of(query)
    st.session_state[WRITTEN] = wanted
    for name in (*FILTERS, *NAMES):
        if name in wanted:
            st.query_params[name] = wanted[name]
        else:
            st.query_params.pop(name, None)


def filter_widgets(images: ManifestTable) -> Query:
    """Widgets for every filter that the manifest supports. They set the address, and a link sets them."""
    address = {name: value for name, value in st.query_params.to_dict().items() if name in (*FILTERS, *NAMES)}
    if QUERY not in st.session_state or address != st.session_state.get(WRITTEN):
        st.session_state[QUERY], st.session_state[WRITTEN] = query_of(address, images.columns), address
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    query: Query = st.session_state[QUERY]
    turn = st.session_state[TURN]
    text = st.text_input("Search finding, patient, view, licence and file", query.text, key=f"f_search_{turn}")
    facets = images.facets(replace(query, text=text))
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
            key=f"f_{key}_{turn}_{hash((tuple(counts.items()), chosen))}",  # labels change with the counts
            format_func=lambda value, counts=counts: f"{value} ({counts.get(value, 0):,})",  # type: ignore[misc]
        )
        choices[key] = tuple(picked)
    ranges = {}
    for key, row in FILTERS.items():
        if row.kind == "range" and row.needs in images.columns:
            low, high = query.ranges.get(key, (row.low, row.high))
            picked_range = st.slider(row.title, row.low, row.high, (low, high), 0.05, key=f"f_{key}_{turn}")
            if picked_range != (row.low, row.high):
                ranges[key] = picked_range
    offered = [column for column in SORTS if not column or column in images.columns]
    first = offered.index(query.sort) if query.sort in offered else 0
    sort = st.selectbox("Sort by", offered, first, SORTS.__getitem__, key=f"f_sort_{turn}")
    down = st.toggle("Largest first", query.descending, disabled=not sort, key=f"f_down_{turn}")
    found = Query({key: values for key, values in choices.items() if values}, ranges, text, sort, bool(sort and down))
    if found != query:
        st.session_state[QUERY] = found
        st.session_state["grid_page"] = 1
        st.rerun()
    return found
