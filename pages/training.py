"""Training: start a run, watch it live, compare runs, and see how attention changes from epoch to epoch."""

from functools import partial
from typing import Any, Final

import cv2
import numpy as np
import streamlit as st

from covid_model.explain.overlay import blended, heat, outlined
from covid_model.models.user_models import row_of
from covid_model.plots.training import AXES, confusion_figure, curve_figure
from covid_model.settings import is_public_host
from covid_model.training.history import best_epoch, config_differences, map_epochs, read_maps
from covid_model.training.process import delete, end, launch, why_not_here
from covid_model.training.run_folder import LIVE, RunFolder, state_of
from ui.inert import inert, inert_figure, inert_message
from ui.links import explain_params
from ui.menu import require_entry
from ui.notices import show_errors
from ui.training.launching import AWAITED, await_run, wait_for_run
from ui.training.run_form import start_form
from ui.training.runs import available_runs, is_recorded, metrics_of

TICK: Final = 2.0
MOST: Final = 8
METRICS: Final = ("loss", "accuracy", "attention_in_lungs", "learning_rate", "images_per_second", "memory_mb")
STATES: Final = {
    "finished": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
    "stalled": ("orange", ":material/hourglass_disabled:"),
    "interrupted": ("orange", ":material/power_off:"),
    "stopped": ("gray", ":material/stop:"),
    "empty": ("gray", ":material/hourglass_empty:"),
}


def headline(run: RunFolder) -> None:
    """State, epoch, time left, and why the run ended."""
    state, status = state_of(run), run.status()
    colour, icon = STATES.get(state, ("blue", ":material/sync:"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(inert(run.name), anchor=False, width="content")
        # `st.badge` escapes brackets itself, which would undo ours.
        st.markdown(f":{colour}-badge[{icon} {inert(state)}]", width="content")
    if state == "stalled":
        st.warning("No progress for two minutes; the machine may be asleep or out of memory.", icon=":material/warning:")
    if state == "interrupted":
        st.warning(
            "The process has ended. Resume continues from the last complete epoch, or from the start.",
            icon=":material/warning:",
        )
    if reason := status.get("reason"):
        st.caption(inert_message(reason))
    steps, epochs = metrics_of(run)
    cells = {"epoch": f"{status.get('epoch', 0):.1f} of {status.get('epochs', '?')}"}
    if not epochs.empty:
        cells["best epoch"] = str(best_epoch(epochs) or "unknown")
        if "val_accuracy" in epochs:
            cells["validation accuracy"] = f"{epochs['val_accuracy'].iloc[-1]:.1%}"
    if not steps.empty:
        cells["images per second"] = f"{steps['images_per_second'].iloc[-1]:.0f}"
        if state in LIVE:
            cells["time left"] = f"{steps['eta_s'].iloc[-1] / 60:.0f} min"
    for column, (name, value) in zip(st.columns(len(cells)), cells.items(), strict=True):
        column.metric(name, value)


def controls(run: RunFolder) -> None:
    """Buttons to stop, end, resume and delete a run; none for recorded runs."""
    if is_recorded(run):
        st.caption("A recorded run that ships with the project; its heatmaps show only drawn images.")
        return
    state = state_of(run)
    with st.container(horizontal=True), show_errors():
        if state in LIVE or state == "stalled":
            if st.button("Stop after this step", icon=":material/stop:", key="stop"):
                run.ask_to_stop()
            if st.button("Force stop", key="end", help="Ends the process if it does not stop after the current step."):
                end(run)
        elif state in ("stopped", "interrupted", "failed"):
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
            st.cache_data.clear()
            params = explain_params(model=card.key)
            st.page_link("pages/explain.py", label=f"Explain an image with {inert(card.title)}", query_params=params)
        if state not in LIVE:
            sure = st.checkbox("Confirm deletion", key="sure")
            if st.button("Delete", icon=":material/delete:", key="delete", disabled=not sure):
                delete(run)
                st.rerun()


def resume_button(run: RunFolder) -> None:
    """Resume a run, or explain why this host cannot."""
    if (why := why_not_here()) is not None:
        st.caption(f"This run cannot be resumed here. {inert_message(why)}")
        return
    moved = st.text_input(
        "Manifest", "", placeholder="manifest, only if it has moved", key="resume_manifest", label_visibility="collapsed"
    )
    if st.button("Resume", icon=":material/play_arrow:", key="resume"):
        await_run(launch(["--resume", str(run.path), *(["--manifest", moved] if moved else [])], run))
        st.rerun()


def curves(runs: dict[str, RunFolder]) -> None:
    """One metric of one or more runs."""
    tables = {name: metrics_of(run) for name, run in runs.items()}
    extra = sorted({c[4:] for _, epochs in tables.values() for c in epochs if c.startswith(("val_auc", "val_sens"))})
    first, second, third, fourth = st.columns([3, 2, 3, 2], vertical_alignment="bottom")
    metric = first.selectbox("Curve", [*METRICS, *extra], key="metric", format_func=lambda name: name.replace("_", " "))
    axis = second.selectbox("Horizontal axis", list(AXES), key="axis")
    smoothing = third.slider(
        "Smoothing", 0.0, 0.95, 0.6, 0.05, key="smoothing", help="The raw curve stays visible as a faint line."
    )
    log = fourth.toggle("Log scale", key="log")
    figure = curve_figure(tables, metric, axis=axis, smoothing=smoothing, log=log)
    st.plotly_chart(
        inert_figure(figure), key="curves", config={"displaylogo": False}, alt=f"{metric} of {', '.join(tables)}"
    )


def epoch_maps(run: RunFolder, config: dict[str, Any]) -> None:
    """Heatmaps of fixed images at a chosen epoch."""
    files = map_epochs(run)
    if not files:
        st.caption("Heatmaps appear after the first epoch.")
        return
    last = max(files)
    number = st.slider("Epoch", min(files), last, last, key="map_epoch") if len(files) > 1 else last
    found = read_maps(files[number])
    classes = row_of(config["model"]).classes
    columns = st.columns(min(len(found["maps"]), 5))
    for place, values in enumerate(found["maps"]):
        grey = found["inputs"][place]
        large = np.asarray(cv2.resize(values.astype(np.float32), grey.shape[::-1]), np.float32)
        picture = outlined(blended(grey, heat(large, 0.6, "inferno")), found["lungs"][place])
        name = classes[int(found["label"][place])]
        title = f"{name}, {'drawn image' if found['drawn'][place] else 'validation image'}"
        columns[place % len(columns)].image(
            picture, caption=inert(title), alt=f"Heatmap for {title}, epoch {number}", width="stretch"
        )


def live(name: str, run: RunFolder, compared: dict[str, RunFolder]) -> None:
    """Everything that changes during training."""
    headline(run)
    curves({name: run} | compared)
    _, epochs = metrics_of(run)
    config = run.config()
    if "confusion" in epochs:
        left, right = st.columns([2, 3], gap="large")
        with left:
            st.markdown("**Validation images, latest epoch**")
            matrix = [[int(count) for count in row] for row in epochs["confusion"].iloc[-1]]
            figure = confusion_figure(matrix, row_of(config["model"]).classes)
            st.plotly_chart(inert_figure(figure), key="confusion", config={"displayModeBar": False}, alt="Confusion matrix")
        with right:
            st.markdown("**What the model looks at**")
            epoch_maps(run, config)


require_entry()
st.header("Training", anchor=False)
with st.expander("Start a training run", icon=":material/play_arrow:"):
    start_form()
if AWAITED in st.session_state:
    wait_for_run()
runs = available_runs()
if not runs:
    st.info("No runs yet. Start one above or with `python -m covid_model train`.", icon=":material/info:")
else:
    with st.sidebar:
        name = st.selectbox("Run", list(runs), key="run", bind="query-params")
        others = st.multiselect(
            "Compare with", [other for other in runs if other != name], key="others", max_selections=MOST - 1
        )
    chosen = runs[name]
    with show_errors():
        controls(chosen)
        compared = {other: runs[other] for other in others}
        running = state_of(chosen) in (*LIVE, "stalled", "empty")
        st.fragment(live, run_every=TICK if running else None)(name, chosen, compared)
        if compared:
            st.markdown("**Different settings**")
            configs = {other: run.config() for other, run in ({name: chosen} | compared).items()}
            st.dataframe(config_differences(configs), hide_index=True)
        steps, epochs = metrics_of(chosen)
        with st.container(horizontal=True):
            for title, table in (("epochs", epochs), ("steps", steps)):
                name = f"{chosen.name}-{title}.csv"
                st.download_button(f"{title.title()} (CSV)", partial(table.to_csv, index=False), name, on_click="ignore")
