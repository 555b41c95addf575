"""One trial: an answer and a region before the heatmap, and an answer after it."""

import time
from typing import Final

import streamlit as st

from covid_model.api.result import Result
from covid_model.errors import DataError
from covid_model.explain.methods import get_method
from covid_model.images.window import displayed
from covid_model.images.xray_image import XrayImage
from covid_model.reader_study.design import NOWHERE, ZONES, Trial
from covid_model.reader_study.session import StudySession
from ui.available_images import available_images, image_of_manifest
from ui.inert import inert
from ui.loaders import HowToExplain, cached_result
from ui.models.cards import card_of

SHOWN_AT: Final = "study_shown_at"


def image_of(trial: Trial) -> XrayImage:
    """The image of a trial. Raises DataError or ImageError where it is gone."""
    found = available_images().get(trial.image) or image_of_manifest(trial.image)
    if found is None:
        raise DataError("The image of this trial is not available any more; end this session and start a new one.")
    return found.read()


def result_of(session: StudySession, trial: Trial) -> Result | None:
    """The heatmap shown in a trial: of the class presented as the answer. None where it was cancelled."""
    layer = card_of(session.settings.model).explanation_layers[0]
    return cached_result(session.settings.model, image_of(trial), HowToExplain(trial.method, trial.shown, layer))


def show_trial(session: StudySession, trial: Trial) -> None:
    """The step that is next: before the heatmap, or after it."""
    if session.pending is None:
        _before(session, trial)
    else:
        _after(session, trial)


def _seconds(step: str) -> float:
    """Since this step of the trial was first drawn in this browser."""
    step_shown = st.session_state.setdefault(SHOWN_AT, {})
    return time.monotonic() - step_shown.setdefault(step, time.monotonic())


def _classes(session: StudySession) -> list[str]:
    return sorted({image.label for image in session.settings.images})


def _before(session: StudySession, trial: Trial) -> None:
    seconds = _seconds(f"{trial.number} before")
    picture, question = st.columns([3, 2], gap="large")
    picture.image(displayed(image_of(trial).pixels), alt=f"Chest X-ray {trial.number}", width="stretch")
    with question:
        st.subheader(f"Image {trial.number}: what do you see?", anchor=False)
        answer = st.radio("Your answer", _classes(session), index=None, key=f"study_first_{trial.number}")
        region = st.pills(
            "Which regions decided? Left and right as on the screen.",
            [*ZONES, NOWHERE],
            selection_mode="multi",
            key=f"study_region_{trial.number}",
            wrap=True,
        )
        if st.button(
            "Commit my answer", type="primary", disabled=not (answer and region), key=f"study_commit_{trial.number}"
        ):
            session.commit_first(str(answer), region, seconds)
            st.rerun()
        st.caption("You see the system's answer afterwards. Your first answer cannot be changed then.")


def _after(session: StudySession, trial: Trial) -> None:
    seconds = _seconds(f"{trial.number} after")
    assert session.pending is not None
    result = result_of(session, trial)
    if result is None:
        return
    pictures, question = st.columns([3, 2], gap="large")
    left, right = pictures.columns(2)
    left.image(displayed(result.image.pixels), caption="The image", alt=f"Chest X-ray {trial.number}", width="stretch")
    right.image(
        result.overlay(),
        caption=f"What raised the {inert(trial.shown)} score",
        alt=f"The same image with the {get_method(trial.method).label} heatmap for {trial.shown}",
        width="stretch",
    )
    with question:
        st.subheader(f"The system's answer: {inert(trial.shown)}", anchor=False)
        st.markdown(f"You answered **{inert(session.pending['first'])}**. What is your answer now?")
        answer = st.radio("Your answer now", _classes(session), index=None, key=f"study_second_{trial.number}")
        if st.button("Next image", type="primary", disabled=answer is None, key=f"study_next_{trial.number}"):
            session.commit_second(str(answer), seconds)
            st.rerun()
