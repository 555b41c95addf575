"""Entry of the dashboard: `streamlit run streamlit_app.py`."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import streamlit as st

if __name__ == "__main__":  # for every run of a page
    from ui.entry import run_page

    run_page()
else:  # once, as the server starts
    from ui.warm_up import warm_up

    app = st.App(__file__, lifespan=warm_up)
