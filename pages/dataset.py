"""Dataset: browse the films, see what gives their labels away, find alike ones, and check their quality."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from covid_model.data.browse import Films
from covid_model.errors import DataError
from covid_model.training.process import is_small_host
from ui.dataset_grid import browse
from ui.dataset_sources import sources
from ui.dataset_views import films_map, quality, understand
from ui.manifest import CHOSEN, films_of, manifest_path
from ui.menu import require_entry
from ui.notices import one_sentence

require_entry()
st.header("Dataset", anchor=False)
with st.sidebar:
    path = manifest_path()
    if not is_small_host():
        st.text_input("Manifest", str(path), key=CHOSEN, help="As written by `data build`, or with more by `data measure`.")
films: Films | None = None
try:
    films = films_of(manifest_path())
except DataError as error:
    st.info(
        f"{error} Until then, here is what the public sources of the shipped models hold; their films may not be passed on.",
        icon=":material/info:",
    )
views: dict[str, Callable[[], None]] = {}
if films is not None:
    views["Browse"] = partial(browse, films)
views["Understand"] = partial(understand, films)
if films is not None:
    views |= {"Map": partial(films_map, films), "Quality": partial(quality, films)}
views["Get films"] = sources
for tab, view in zip(st.tabs(list(views), key="view", bind="query-params"), views.values(), strict=True):
    if tab.open:
        with tab, one_sentence():
            view()
