"""Start or resume a session: images, model, methods, and consent."""

import secrets
from pathlib import Path
from typing import Final

import streamlit as st

from covid_model.data.filters import Query
from covid_model.data.synthetic_samples import shipped_samples
from covid_model.errors import DataError
from covid_model.explain.methods import METHODS
from covid_model.models.card import Card
from covid_model.models.user_models import available_models
from covid_model.reader_study.design import CONSENT, FEWEST, StudyImage
from covid_model.reader_study.session import READER_CODE, Settings, StudySession, begin, resume
from covid_model.settings import is_public_host, study_folder
from ui.inert import inert
from ui.manifest import image_key, images_of, manifest_path
from ui.models.cards import card_of

SESSION: Final = "reader_study"
READER: Final = "reader"
MOST: Final = 60


def open_session() -> StudySession | None:
    """The session under way in this browser, or the one that the address names. Raises DataError for an unknown code."""
    found: StudySession | None = st.session_state.get(SESSION)
    reader = st.query_params.get(READER)
    if found is None and reader and (folder := _folder()):
        found = resume(folder, reader)
        if found is None:
            raise DataError(f"There is no session with the code {reader}; start a new one.")
        st.session_state[SESSION] = found
    if found is not None and found.file is not None:
        st.query_params[READER] = found.settings.reader
    return found


def end_session() -> None:
    """Forget the session in this browser; its file stays."""
    st.session_state.pop(SESSION, None)
    st.query_params.pop(READER, None)


def _folder() -> Path | None:
    """Where answers are kept: nowhere on a public copy, whose visitors take their own with them."""
    return None if is_public_host() else study_folder()


def start_form() -> None:
    """Choices and consent; the button starts a session."""
    models = available_models()
    left, right = st.columns(2, gap="large")
    model = left.selectbox("Model", list(models), format_func=models.__getitem__, key="study_model")
    fast = [key for key, row in METHODS.items() if not row.slow and not row.class_blind]
    methods = right.multiselect(
        "Heatmaps", fast, ["gradcam"], format_func=lambda key: METHODS[key].label, key="study_methods"
    )
    card = card_of(model)
    offered = {"synthetic": _synthetic(card)}
    if of_manifest := _of_manifest(card):
        offered["manifest"] = of_manifest
    titles = {"synthetic": "The synthetic samples", "manifest": "Test images of the data set"}
    source = left.radio("Images", list(offered), format_func=titles.__getitem__, key="study_images", horizontal=True)
    images = offered[source]
    count = right.slider(
        "Number of images", FEWEST, max(FEWEST + 1, min(MOST, len(images))), min(12, len(images)), key="study_count"
    )
    if source == "synthetic":
        st.caption(
            "The true class of a synthetic image is the class it was drawn for. Use a data set for a study that counts."
        )
    with st.container(border=True):
        st.markdown(CONSENT)
        on_server = "Your answers are kept in the folder of reader studies on this server."
        in_session = "Your answers are kept in this browser session only; download them at the end."
        st.caption(on_server if _folder() else in_session)
        agreed = st.checkbox("I have read this and take part.", key="study_consent")
        if st.button("Start", type="primary", disabled=not (agreed and methods), key="study_start"):
            reader = secrets.token_hex(READER_CODE // 2)
            settings = Settings(reader, model, tuple(methods), count, images)
            st.session_state[SESSION] = begin(settings, _folder())
            st.rerun()


def _synthetic(card: Card) -> tuple[StudyImage, ...]:
    return tuple(StudyImage(key, row.label) for key, row in shipped_samples().items() if row.label in card.classes)


def _of_manifest(card: Card) -> tuple[StudyImage, ...]:
    """Test images of the classes that the model knows, an equal number of each at most; empty without a manifest."""
    found: list[StudyImage] = []
    try:
        table = images_of(manifest_path())
        for label in card.classes:
            rows = table.page(Query({"split": ("test",), "label": (label,)}), 0, MOST)
            found += [StudyImage(image_key(digest), label) for digest in rows["digest"]]
    except DataError:
        return ()
    enough = len({image.label for image in found}) >= 2 and len(found) >= FEWEST
    return tuple(found) if enough else ()


def show_progress(session: StudySession) -> None:
    """How far the session is, its code, and a way out."""
    done, total = len(session.readings), len(session.trials)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / total, f"{done} of {total} images")
        st.button("End this session", on_click=end_session, key="study_end", icon=":material/logout:")
    if session.file is not None:
        st.caption(f"Your code is `{inert(session.settings.reader)}`. This address continues the session.")
