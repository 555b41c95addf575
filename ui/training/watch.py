"""A run as it changes: state, buttons, progress, curves, heatmaps, log and the load of this host."""

from typing import Any, Final

import cv2
import numpy as np
import streamlit as st

from covid_model.explain.overlay import blended, heat, outlined
from covid_model.models.user_models import row_of
from covid_model.plots.training import AXES, confusion_figure, curve_figure
from covid_model.training.history import best_epoch, map_epochs, read_maps
from covid_model.training.process import read_log, system_load
from covid_model.training.run_folder import LIVE, RunFolder, state_of
from ui.inert import inert, inert_figure, inert_message
from ui.notices import show_errors
from ui.training.controls import controls
from ui.training.runs import metrics_of

METRICS: Final = ("loss", "accuracy", "attention_in_lungs", "learning_rate", "images_per_second", "memory_mb")
STATES: Final = {
    "finished": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
    "stalled": ("orange", ":material/hourglass_disabled:"),
    "interrupted": ("orange", ":material/power_off:"),
    "stopped": ("gray", ":material/stop:"),
    "empty": ("gray", ":material/hourglass_empty:"),
}
CELL: Final = 160
"""Pixels of one number across: five in a row of a desktop, two of a phone."""
CHANGING: Final = (*LIVE, "stalled", "empty")
"""States in which the page looks again."""


def live(name: str, run: RunFolder, compared: dict[str, RunFolder], was: str) -> None:
    """Everything that changes during training. was: the state when the page ran; buttons and watching depend on it."""
    with show_errors():
        state = state_of(run)
        if (state in CHANGING) != (was in CHANGING):
            st.rerun()  # the page then watches this run, or no longer does
        headline(run, state)
        controls(run, state)
        if not preparing(run, state):
            curves({name: run} | compared)
            looked_at(run, run.config())
        if state in CHANGING:
            load()
        log(run)


def headline(run: RunFolder, state: str) -> None:
    """State, epoch, time left, and why the run ended."""
    status = run.status()
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
    done = f"{status.get('epoch', 0):.1f}".removesuffix(".0")
    cells = {"Epoch": f"{done} of {status.get('epochs', '?')}"}
    if not epochs.empty:
        cells["Best epoch"] = str(best_epoch(epochs) or "unknown")
        if "val_accuracy" in epochs:
            cells["Validation accuracy"] = f"{epochs['val_accuracy'].iloc[-1]:.1%}"
    if not steps.empty:
        cells["Images per second"] = f"{steps['images_per_second'].iloc[-1]:.0f}"
        if state in LIVE:
            cells["Time left"] = duration(steps["eta_s"].iloc[-1])
    with st.container(horizontal=True):
        for name, value in cells.items():
            st.metric(name, value, width=CELL)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(42), duration(600), duration(9000)
    ('42 s', '10 min', '2.5 h')
    """
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def preparing(run: RunFolder, state: str) -> bool:
    """Show how many images are prepared, while there is nothing to draw a curve of."""
    steps, epochs = metrics_of(run)
    if state not in CHANGING or not (steps.empty and epochs.empty):
        return False
    status = run.status()
    total, done = int(status.get("to_prepare", 0)), int(status.get("prepared", 0))
    if not total:
        st.progress(0.0, "Loading the network …")
    elif done < total:
        st.progress(done / total, f"Preparing images: {done:,} of {total:,}")
    else:
        st.progress(1.0, f"All {total:,} images are prepared; the first steps follow …")
    return True


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
    log_scale = fourth.toggle("Log scale", key="log")
    figure = curve_figure(tables, metric, axis=axis, smoothing=smoothing, log=log_scale)
    st.plotly_chart(
        inert_figure(figure), key="curves", config={"displaylogo": False}, alt=f"{metric} of {', '.join(tables)}"
    )


def looked_at(run: RunFolder, config: dict[str, Any]) -> None:
    """The confusion matrix of the latest epoch, and the heatmaps of a chosen one."""
    _, epochs = metrics_of(run)
    if "confusion" not in epochs:
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**Validation images, latest epoch**")
        matrix = [[int(count) for count in row] for row in epochs["confusion"].iloc[-1]]
        figure = confusion_figure(matrix, row_of(config["model"]).classes)
        st.plotly_chart(inert_figure(figure), key="confusion", config={"displayModeBar": False}, alt="Confusion matrix")
    with right:
        st.markdown("**What the model looks at**")
        epoch_maps(run, config)


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
    columns = st.columns(min(len(found["maps"]), 3))
    for place, values in enumerate(found["maps"]):
        grey = found["inputs"][place]
        large = np.asarray(cv2.resize(values.astype(np.float32), grey.shape[::-1]), np.float32)
        picture = outlined(blended(grey, heat(large, 0.6, "inferno")), found["lungs"][place])
        name = classes[int(found["label"][place])]
        title = f"Heatmap for {name}, {'drawn image' if found['drawn'][place] else 'validation image'}"
        columns[place % len(columns)].image(picture, caption=inert(title), alt=f"{title}, epoch {number}", width="stretch")


def load() -> None:
    """How busy this host is."""
    now = system_load()
    st.caption(
        f"This host: processors {now.processors:.0%} busy, memory {now.memory / 1e9:.1f} of {now.total / 1e9:.1f} GB in use."
    )


def log(run: RunFolder) -> None:
    """What the run's process wrote, where this dashboard started it."""
    if text := read_log(run):
        with st.expander("Log", icon=":material/article:", key="run_log"):
            st.code(text, language=None, height=320)
