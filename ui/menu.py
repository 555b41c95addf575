"""The pages, and that every one is reached through the entry script."""

from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from covid_model.settings import ASSETS


@dataclass(frozen=True)
class Page:
    """One page of the menu: a file in pages/, its title, icon and a line of help."""

    file: str
    title: str
    icon: str
    help: str


PAGES: Final = (
    Page(
        "pages/explain.py",
        "Explain",
        ":material/visibility:",
        "An image, what the model says about it, a heatmap of what moved it, and whether to believe it.",
    ),
    Page("pages/tour.py", "Tour", ":material/tour:", "Three images in three minutes: when to believe a heatmap."),
    Page("pages/compare.py", "Compare", ":material/compare:", "Methods, models, classes or images side by side."),
    Page("pages/dataset.py", "Dataset", ":material/photo_library:", "The images, and what gives their labels away."),
    Page("pages/training.py", "Training", ":material/model_training:", "Train, and watch what a model learns to look at."),
    Page("pages/models.py", "Models", ":material/fact_check:", "What was claimed, and what an honest split leaves of it."),
)
"""In menu order; the first opens when nothing is asked for."""

ENTERED: Final = "entered"


def opened_page() -> StreamlitPage:
    """Set the title, draw the logo and the menu; returns the page to run."""
    st.set_page_config(page_title="X-ray Explained", page_icon=ASSETS / "icon.svg", layout="wide")
    st.logo(ASSETS / "logo.svg", size="large")
    pages = [st.Page(row.file, title=row.title, icon=row.icon, help=row.help, default=row is PAGES[0]) for row in PAGES]
    return st.navigation(pages)


def mark_entered() -> None:
    """Note that the entry script is running; it calls this before the page."""
    st.session_state[ENTERED] = True


def require_entry() -> None:
    """Go back through the entry script where it was skipped. Every page calls this first.

    Until the first `st.navigation` of a server, Streamlit takes a folder `pages/` for the menu of its older kind of app and
    runs the page of a deep link on its own, without title, layout and notice. Drawing the menu ends that.
    """
    if not st.session_state.get(ENTERED):
        opened_page()
        st.rerun()
