"""Reader study: answer before and after a heatmap, and see how often you followed a wrong one."""

import streamlit as st

from covid_model.errors import DataError
from ui.inert import inert_message
from ui.menu import require_entry
from ui.notices import show_errors
from ui.reader_study.setup import end_session, open_session, show_progress, start_form
from ui.reader_study.summary import show_summary
from ui.reader_study.trial import show_trial

require_entry()
st.header("Do heatmaps help you, or lead you astray?", anchor=False)
with show_errors():
    try:
        session = open_session()
    except DataError as error:
        st.error(inert_message(error), icon=":material/error:")
        st.button("Start a new session", on_click=end_session, key="study_new")
        st.stop()
    if session is None:
        start_form()
    else:
        show_progress(session)
        if session.current is None:
            show_summary(session)
        else:
            show_trial(session, session.current)
