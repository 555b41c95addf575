"""Dataset: browse images, see what gives their labels away, find similar images, and check their quality."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from covid_model.data.browse import ManifestTable
from covid_model.errors import DataError
from covid_model.settings import is_public_host
from ui.dataset.grid import browse
from ui.dataset.quality import quality
from ui.dataset.sources import sources
from ui.dataset.views import images_map, understand
from ui.demo import VIEW, offer_demo
from ui.inert import inert_message
from ui.manifest import CHOSEN, images_of, manifest_path
from ui.menu import require_entry
from ui.notices import show_errors

require_entry()
st.header("Dataset", anchor=False)
with st.sidebar:
    path = manifest_path()
    if not is_public_host():
        st.text_input("Manifest", str(path), key=CHOSEN, help="A file written by `data build` or `data measure`.")
images: ManifestTable | None = None
try:
    images = images_of(manifest_path())
except DataError as error:
    st.info(
        f"{inert_message(error)} Until then, this page describes the public sources of the shipped models. "
        "Do not redistribute their images.",
        icon=":material/info:",
    )
    offer_demo()
views: dict[str, Callable[[], None]] = {}
if images is not None:
    views["Browse"] = partial(browse, images)
views["Understand"] = partial(understand, images)
if images is not None:
    views |= {"Map": partial(images_map, images), "Quality": partial(quality, images)}
views["Get images"] = sources
for tab, view in zip(st.tabs(list(views), key=VIEW, bind="query-params"), views.values(), strict=True):
    if tab.open:
        with tab, show_errors():
            view()
