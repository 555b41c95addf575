"""Fetch a dozen real images with open licences."""

import streamlit as st

from covid_model.data.public_samples import PUBLIC_SAMPLES, TERMS, fetch_samples, fetched_samples
from covid_model.errors import DataError
from ui.available_images import available_images
from ui.inert import inert_message

TRIES = 2
"""Few, because a person is waiting; the command line tries more often."""


def get_images() -> None:
    """What is fetched, from whom and under which licence, and a button to accept; nothing if all images are available."""
    if len(fetched_samples()) == len(PUBLIC_SAMPLES):
        return
    place = st.popover("Get real images", icon=":material/download:", width="stretch", key="get_images", on_change="rerun")
    with place:
        st.markdown(f"**{len(PUBLIC_SAMPLES)} public images**, downloaded from GitHub to this server's cache. {TERMS}")
        if place.open:  # a table loads pandas, which the first answer need not wait for
            st.dataframe(
                [
                    {"image": sample.name, "label": sample.label, "licence": sample.credit}
                    for sample in PUBLIC_SAMPLES.values()
                ],
                hide_index=True,
                height=180,
            )
        if st.button("Accept the licences and download", key="fetch_images", type="primary"):
            _fetch()


def _fetch() -> None:
    try:
        with st.spinner("Downloading images …"):
            fetch_samples(lambda _: True, tries=TRIES, show=False)
    except (DataError, OSError) as error:
        st.error(
            f"No images were downloaded. {inert_message(error)} The synthetic images work without a network.",
            icon=":material/cloud_off:",
        )
        return
    available_images.clear()
    st.rerun()
