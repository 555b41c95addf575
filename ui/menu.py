"""The pages, and how each is opened through the entry script."""

from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from covid_model.settings import ASSETS
from ui.visits import note_visit


@dataclass(frozen=True)
class Page:
    """One page of the menu: a file in pages/, its title, icon and help text."""

    file: str
    title: str
    icon: str
    help: str


PAGES: Final = (
    Page(
        "pages/explain.py",
        "Explain",
        ":material/visibility:",
        "See a prediction for an image, a heatmap that explains it, and tests of whether to trust it.",
    ),
    Page("pages/tour.py", "Tour", ":material/tour:", "Three images in three minutes: when to trust a heatmap."),
    Page("pages/compare.py", "Compare", ":material/compare:", "Compare methods, models, classes or images side by side."),
    Page(
        "pages/dataset.py",
        "Dataset",
        ":material/photo_library:",
        "Browse the images and find out what gives their labels away.",
    ),
    Page(
        "pages/evaluate.py",
        "Evaluate",
        ":material/query_stats:",
        "See what a model's score is worth, where it errs, and what a threshold means for people.",
    ),
    Page("pages/training.py", "Training", ":material/model_training:", "Train a model and watch what it learns to look at."),
    Page(
        "pages/models.py",
        "Models",
        ":material/fact_check:",
        "See what was claimed for each model and what it scores on a fair split.",
    ),
    Page(
        "pages/reader_study.py",
        "Reader study",
        ":material/psychology:",
        "Answer before and after a heatmap, and see how often you followed a wrong one.",
    ),
)
"""In menu order; the first is the default."""

ENTERED: Final = "entered"


def opened_page() -> StreamlitPage:
    """Set the title, draw logo and menu, and return the page to run."""
    st.set_page_config(page_title="X-ray Explained", page_icon=ASSETS / "icon.svg", layout="wide")
    st.logo(ASSETS / "logo.svg", size="large")
    pages = [st.Page(row.file, title=row.title, icon=row.icon, help=row.help, default=row is PAGES[0]) for row in PAGES]
    return st.navigation(pages)


def mark_entered() -> None:
    """Record that the entry script is running; it calls this before the page."""
    st.session_state[ENTERED] = True


def require_entry() -> None:
    """Run the entry script if it was skipped, and note which page runs. Every page calls this first.

    Before a server's first `st.navigation`, Streamlit treats the folder `pages/` as an older kind of app: it runs the page
    of a deep link alone, without title, layout and notice. Drawing the menu prevents this.
    """
    if not st.session_state.get(ENTERED):
        opened_page()
        st.rerun()
    note_visit()
