"""What Streamlit leaves too narrow, clipped or covered on a phone, and too loose on a screen."""

from typing import Final

import streamlit as st

STYLE: Final = """<style>
@media (min-width: 641px) {
  [data-testid="stHeader"] { background: transparent; }
  [data-testid="stHeader"], [data-testid="stToolbar"] { pointer-events: none; }
  [data-testid="stHeader"] :is(a, button, [role="button"]) { pointer-events: auto; }
}
[data-testid="stMainBlockContainer"] { padding-top: 1.75rem; }
.stApp:has([data-testid="stExpandSidebarButton"]) [data-testid="stMainBlockContainer"] { padding-top: 4rem; }
[data-testid="stMainBlockContainer"] h2 { padding: 0 0 0.5rem; }
.st-key-test button, .st-key-test button * { white-space: normal; height: auto; text-align: left; }
.st-key-ledger [data-testid="stMarkdownContainer"] { overflow-x: auto; }
.st-key-ledger table { min-width: 36rem; }
@media (max-width: 640px) {
  [data-testid="stLayoutWrapper"]:has(> [class*="st-key-cell_"]) { flex-basis: calc(50% - 0.5rem); width: auto; }
  [class*="st-key-cell_"] { width: 100%; }
}
@media (hover: none) { .modebar { display: none; } }
</style>"""
"""Pages start near the top, below the logo where the sidebar is folded, so that answer, verdict and images fit one screen.
Chips wrap, tables scroll, two thumbnails fill a row, and no toolbar covers a chart that has no pointer over it.
"""


def phone_style() -> None:
    """Apply it; once a page."""
    st.html(STYLE)
