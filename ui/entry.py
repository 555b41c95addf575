"""One run of a page, with what surrounds it: menu, sign-in and notices."""

import streamlit as st

from covid_model.memory import spare_memory
from covid_model.settings import serve
from ui.background import background
from ui.fragment import withdraw_inner_fragments
from ui.menu import mark_entered, opened_page
from ui.notices import privacy_notice, research_notice
from ui.phone import phone_style
from ui.sign_in import require_sign_in
from ui.sockets import send_at_once


def run_page() -> None:
    """Run the page that the visitor opened."""
    spare_memory()
    send_at_once()
    withdraw_inner_fragments()
    serve(st.get_option("server.address"))
    page = opened_page()
    require_sign_in()
    mark_entered()
    research_notice()
    phone_style()
    with background().page_runs():
        page.run()
    privacy_notice()
