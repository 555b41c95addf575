"""What Streamlit leaves too narrow, clipped or covered on a phone."""

from typing import Final

import streamlit as st

STYLE: Final = """<style>
.st-key-test button, .st-key-test button * { white-space: normal; height: auto; text-align: left; }
.st-key-ledger [data-testid="stMarkdownContainer"] { overflow-x: auto; }
.st-key-ledger table { min-width: 36rem; }
@media (max-width: 640px) {
  [data-testid="stLayoutWrapper"]:has(> [class*="st-key-cell_"]) { flex-basis: calc(50% - 0.5rem); width: auto; }
  [class*="st-key-cell_"] { width: 100%; }
}
@media (hover: none) { .modebar { display: none; } }
</style>"""
"""Chips wrap, tables scroll, two thumbnails fill a row, and no toolbar covers a chart that has no pointer over it."""


def phone_style() -> None:
    """Apply it; once a page."""
    st.html(STYLE)
