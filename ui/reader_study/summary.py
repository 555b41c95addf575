"""The end of a session: what the reader did with and without heatmaps, and the answers to take along."""

import streamlit as st

from covid_model.evaluation.bootstrap import Interval
from covid_model.explain.methods import get_method
from covid_model.reader_study.design import strongest_zone
from covid_model.reader_study.scores import MEASURES, Row, csv_text, measured, measured_by, rows_of
from covid_model.reader_study.session import StudySession
from ui.inert import inert
from ui.reader_study.setup import end_session
from ui.reader_study.trial import result_of
from ui.results import results


def show_summary(session: StudySession) -> None:
    """Scores with intervals, by method and by verdict, every trial with the truth, and the CSV."""
    rows = _rows(session)
    found = measured(rows)
    st.subheader("Did the heatmaps help you?", anchor=False)
    before, after, wrong, right = st.columns(4)
    _metric(before, "Right before the heatmap", found["before"])
    _metric(after, "Right after it", found["after"])
    _metric(wrong, "Followed wrong answers", found["followed_wrong"])
    _metric(right, "Followed right answers", found["followed_right"])
    st.markdown(
        "Following wrong answers is over-reliance, leaving right ones aside is under-reliance. Six radiologists who read 90 "
        "chest radiographs missed 3% of the cases alone, 33% where a sham system missed them, and 21% where it also drew a "
        "box (Bernstein 2023, Eur Radiol 33:8263)."
    )
    by = st.segmented_control("Split by", ["method", "verdict"], default="verdict", key="study_split")
    if by:
        st.dataframe(_table(rows, by), hide_index=True)
    st.caption(
        "The verdict is what the trust tests say of the heatmap that was shown. It was hidden from you. The intervals "
        "are those of one reader and say nothing about others."
    )
    with st.expander("Every trial", key="study_trials", on_change="rerun") as trials:
        if trials.open:
            st.dataframe([{key: inert(str(value)) for key, value in row.items()} for row in rows], hide_index=True)
    with st.container(horizontal=True):
        name = f"reader-{session.settings.reader}.csv"
        st.download_button("Answers (CSV)", csv_text(rows), name, "text/csv", icon=":material/download:", on_click="ignore")
        st.button("New session", on_click=end_session, key="study_again", icon=":material/restart_alt:")


def _rows(session: StudySession) -> list[Row]:
    """The readings with the heatmap's strongest region and its verdict; computed once, with progress."""
    key = ("reader_study", session.settings.reader, len(session.readings))
    if key not in results():
        regions, verdicts = {}, {}
        bar = st.progress(0.0, "Testing the heatmaps that you saw …")
        for done, reading in enumerate(session.readings, 1):
            result = result_of(session, reading.trial)
            if result is not None:
                lungs = result.prediction.prepared.lungs.mask
                regions[reading.trial.number] = strongest_zone(result.heatmap, lungs)
                verdicts[reading.trial.number] = result.verdict().word
            bar.progress(done / len(session.readings), "Testing the heatmaps that you saw …")
        bar.empty()
        results().get_or_make(key, lambda: rows_of(session.settings.reader, session.readings, regions, verdicts))
    return results().get_or_make(key, list)


def _metric(place: "st.delta_generator.DeltaGenerator", label: str, found: Interval) -> None:
    place.metric(label, "none" if found.value is None else f"{found.value:.0%}")
    place.caption(_range(found))


def _range(found: Interval) -> str:
    if found.low is None or found.high is None:
        return "no such trial"
    return f"{found.low:.0%} to {found.high:.0%}, {found.images} trials"


def _share(found: Interval) -> str:
    return "none" if found.value is None else f"{found.value:.0%} ({_range(found)})"


def _table(rows: list[Row], by: str) -> list[dict[str, str]]:
    """One line a value of the column, one cell a measure."""
    table = []
    for value, found in measured_by(rows, by).items():
        title = get_method(value).label if by == "method" else value
        cells = {measure.meaning: _share(found[measure.key]) for measure in MEASURES}
        table.append({by: title, **cells})
    return table
