"""The filters of the Dataset page, each value with its image count, kept in the address."""

from dataclasses import replace
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from covid_model.data.browse import ManifestTable
from covid_model.data.filters import FILTERS, SORTS, Filter, Query
from covid_model.data.tags import read_tags, with_tags

BETWEEN: Final = "|"
"""Separates values in the address."""
NAMES: Final = ("search", "sort", "down", "tag")
FIRST: Final[tuple[str, ...]] = ("source", "label", "split", "predicted")
"""Filters that are always on view."""
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
    tags = tuple(filter(None, params.get("tag", "").split(BETWEEN)))
    return Query(
        choices, ranges, params.get("search", ""), sort if sort in SORTS else "", params.get("down") == "1", tags=tags
    )


def params_of(query: Query) -> dict[str, str]:
    """The address parameters of a query; `query_of` reads them."""
    found = {key: BETWEEN.join(values) for key, values in query.choices.items() if values}
    found |= {key: f"{low:g}-{high:g}" for key, (low, high) in query.ranges.items()}
    plain = {
        "tag": BETWEEN.join(query.tags),
        "search": query.text,
        "sort": query.sort,
        "down": "1" if query.descending else "",
    }
    return found | {name: value for name, value in plain.items() if value}


def show_in_address() -> None:
    """Write the page's query into the address and keep everything else there."""
    wanted = params_of(st.session_state[QUERY])
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
    searched, sorted_by, order = st.columns([5, 2, 1], vertical_alignment="bottom")
    text = searched.text_input("Search finding, patient, view, licence and file", query.text, key=f"f_search_{turn}")
    offered = [column for column in SORTS if not column or column in images.columns]
    first = offered.index(query.sort) if query.sort in offered else 0
    sort = sorted_by.selectbox("Sort by", offered, first, SORTS.__getitem__, key=f"f_sort_{turn}")
    down = order.toggle("Largest first", query.descending, disabled=not sort, key=f"f_down_{turn}")
    choices = _choices(images, query, replace(query, text=text), turn)
    found = replace(choices, text=text, sort=sort, descending=bool(sort and down))
    if found != query:
        st.session_state[QUERY] = found
        st.session_state["grid_page"] = 1
        st.rerun()
    return with_tags(found, images.path)


def _choices(images: ManifestTable, query: Query, wanted: Query, turn: int) -> Query:
    """The query as the widgets for choices, tags and ranges set it. wanted: what the counts are of."""
    tags = read_tags(images.path)
    facets = images.facets(with_tags(wanted, images.path))
    shown = {key: counts for key, counts in facets.items() if len(counts) > 1 or query.choices.get(key)}
    first = [key for key in FIRST if key in shown]
    choices = {key: _choice(place, key, shown[key], query, turn) for key, place in zip(first, st.columns(4), strict=False)}
    rest = [key for key in shown if key not in first]
    ranges = [row for key, row in FILTERS.items() if row.kind == "range" and row.needs in images.columns]
    if not (rest or ranges or tags):
        return replace(query, choices={key: values for key, values in choices.items() if values})
    active = sum(bool(query.choices.get(key)) for key in rest) + len(query.ranges) + bool(query.tags)
    with st.expander(f"More filters ({active} active)" if active else "More filters", key="more_filters"):
        places = iter(st.columns(4) * 3)
        choices |= {key: _choice(next(places), key, shown[key], query, turn) for key in rest}
        chosen_tags: tuple[str, ...] = ()
        if tags:
            names = list(dict.fromkeys([*tags, *query.tags]))
            chosen_tags = tuple(
                next(places).multiselect(
                    "Tag", names, list(query.tags), lambda tag: f"{tag} ({len(tags.get(tag, ())):,})", key=f"f_tag_{turn}"
                )
            )
        found = {row.key: picked for row in ranges if (picked := _range(next(places), row, query, turn))}
    return replace(query, choices={key: values for key, values in choices.items() if values}, ranges=found, tags=chosen_tags)


def _choice(place: DeltaGenerator, key: str, counts: dict[str, int], query: Query, turn: int) -> tuple[str, ...]:
    chosen = query.choices.get(key, ())
    values = [*counts, *(value for value in chosen if value not in counts)]
    picked = place.multiselect(
        FILTERS[key].title,
        values,
        default=list(chosen),
        key=f"f_{key}_{turn}_{hash((tuple(counts.items()), chosen))}",  # labels change with the counts
        format_func=lambda value: f"{value} ({counts.get(value, 0):,})",
    )
    return tuple(picked)


def _range(place: DeltaGenerator, row: Filter, query: Query, turn: int) -> tuple[float, float] | None:
    """The chosen range, None for all of it."""
    low, high = query.ranges.get(row.key, (row.low, row.high))
    picked = place.slider(row.title, row.low, row.high, (low, high), 0.05, key=f"f_{row.key}_{turn}")
    return None if picked == (row.low, row.high) else picked
