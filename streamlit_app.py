"""Entry of the dashboard: `streamlit run streamlit_app.py`."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import streamlit as st

from ui.notices import research_notice

st.set_page_config(page_title="Chest film explainability", page_icon="assets/icon.svg", layout="wide")
st.logo("assets/logo.svg", size="large")
page = st.navigation(
    [
        st.Page(
            "pages/explain.py",
            title="Explain",
            icon=":material/visibility:",
            default=True,
            help="A film, what the model says about it, and a heatmap of what moved it.",
        ),
    ]
)
page.run()
research_notice()
