"""The buttons of one run."""

import streamlit as st

from covid_model.settings import is_public_host
from covid_model.training.process import delete, end, launch, moved_manifest, why_not_resumed
from covid_model.training.run_folder import LIVE, RunFolder
from ui.inert import inert, inert_message
from ui.links import choose, explain_params
from ui.models.cards import card_of
from ui.notices import show_errors
from ui.training.launching import RUN, await_run
from ui.training.runs import is_recorded


def _like_the_shipped(run: RunFolder) -> bool:
    """Have the shipped weights of the run's model been trained with its settings, on its images?"""
    config = run.config()
    known = card_of(config["model"]).training
    wanted = {**known.get("settings", {}), "data_hash": known.get("data_hash")}
    return all(config.get(name) == value for name, value in wanted.items())


def controls(run: RunFolder, state: str) -> None:
    """Buttons to stop, end, resume and delete a run; none for recorded runs."""
    if is_recorded(run):
        settings = "as for" if _like_the_shipped(run) else "other than for"
        st.caption(
            f"A recorded run that ships with the project, settings and images {settings} the shipped weights. Its heatmaps "
            "show drawn images."
        )
        return
    with st.container(horizontal=True), show_errors():
        if state in LIVE or state == "stalled":
            if st.button("Stop after this step", icon=":material/stop:", key="stop"):
                run.ask_to_stop()
                st.toast("The run stops after its current step.")
            if st.button("Force stop", key="end", help="Ends the process if it does not stop after the current step."):
                end(run)
        else:
            resume_button(run)
        if (
            state == "finished"
            and not is_public_host()
            and st.button(
                "Use as a model",
                icon=":material/visibility:",
                key="register",
                help="Makes the run's best weights available on all pages.",
            )
        ):
            from covid_model.training.register import register  # TensorFlow is started only here

            card = register(run)
            card_of.clear()
            params = explain_params(model=card.key)
            st.page_link("pages/explain.py", label=f"Explain an image with {inert(card.title)}", query_params=params)
        if state not in LIVE:
            sure = st.checkbox("Confirm deletion", key="sure")
            if st.button("Delete", icon=":material/delete:", key="delete", disabled=not sure):
                delete(run)
                choose(RUN, None)
                st.rerun()


def resume_button(run: RunFolder) -> None:
    """Resume a run, or say why that cannot be done."""
    if (why := why_not_resumed(run)) is not None:
        st.caption(f"This run cannot be resumed here. {inert_message(why)}")
        return
    gone = moved_manifest(run)
    if gone:
        st.caption(f"Its manifest is no longer at {inert(gone)}. Name its new place to resume.")
    moved = st.text_input(
        "Manifest", "", placeholder="manifest, only if it has moved", key="resume_manifest", label_visibility="collapsed"
    )
    if st.button("Resume", icon=":material/play_arrow:", key="resume", disabled=bool(gone) and not moved):
        await_run(launch(["--resume", str(run.path), *(["--manifest", moved] if moved else [])], run))
        st.rerun()
