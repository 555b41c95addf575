"""Start a training run from the dashboard."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import streamlit as st

from covid_model.data.demo import is_demo
from covid_model.errors import CovidModelError, RunError
from covid_model.models.specs import MODELS
from covid_model.settings import runs_folder
from covid_model.training.config import INITS, TrainConfig
from covid_model.training.process import launch, why_not_here
from covid_model.training.recipes import get_recipe
from covid_model.training.run_folder import RunFolder, runs_in
from ui.inert import inert, inert_message
from ui.manifest import manifest_path
from ui.training.launching import await_run
from ui.training.runs import available_runs, metrics_of

OPEN: Final = "training_form"
"""In the session while the form is open."""
DEMO_MODEL: Final = "small-cnn"
"""Preselected for a demo data set, which it learns in about a minute."""


def start_button() -> None:
    """A button that opens the form, or why this host cannot train."""
    if (why := why_not_here()) is not None:
        st.info(inert_message(why), icon=":material/info:")
        return
    st.button(
        "Start a training run",
        icon=":material/play_arrow:",
        type="primary",
        key="new_run",
        on_click=st.session_state.update,
        args=({OPEN: True},),
    )
    if st.session_state.get(OPEN):  # and so the form survives when the page behind it runs again
        _form()


@st.dialog("Start a training run", width="large", on_dismiss=lambda: st.session_state.pop(OPEN, None))
def _form() -> None:
    """The recipe's defaults to change; a wrong input is one sentence, and nothing is started."""
    manifest = st.text_input("Manifest", str(manifest_path()), key="train_manifest", help="A file written by `data build`.")
    keys = list(MODELS)
    model = st.selectbox(
        "Model",
        keys,
        keys.index(DEMO_MODEL) if is_demo(Path(manifest)) else 0,
        format_func=lambda key: MODELS[key].title,
        key="train_model",
        help=MODELS[DEMO_MODEL].summary,
    )
    config = get_recipe(model).config
    name = st.text_input("Run name", f"{model}-{datetime.now():%Y%m%d-%H%M}", key=f"train_name_{model}")
    flags = _settings(model, config)
    st.caption(estimate(MODELS[model].architecture))
    if st.button("Start training", type="primary", icon=":material/play_arrow:", key="train_start"):
        try:
            run = checked(Path(manifest), name)
            arguments = ["--model", model, "--manifest", manifest, "--run", str(run.path)]
            await_run(
                launch([*arguments, *(part for flag, value in flags.items() for part in (f"--{flag}", str(value)))], run)
            )
        except CovidModelError as error:
            st.error(inert_message(error), icon=":material/error:")
            return
        st.session_state.pop(OPEN, None)
        st.rerun()


def _settings(model: str, config: TrainConfig) -> dict[str, object]:
    """Flag of `train` -> value, as set in the form, with the epochs as they will run."""
    first, second, third = st.columns(3)
    head = first.number_input(
        "Epochs of the last layer",
        0,
        500,
        config.head_epochs,
        key=f"train_head_{model}",
        help="They come first, with all other layers frozen.",
    )
    epochs = second.number_input("Epochs of the whole network", 1, 500, config.epochs, key=f"train_epochs_{model}")
    batch = third.number_input("Batch size", 1, 256, config.batch, key=f"train_batch_{model}")
    rate = first.number_input("Learning rate", 1e-6, 0.5, config.learning_rate, format="%.1e", key=f"train_rate_{model}")
    patience = second.number_input(
        "Patience",
        0,
        100,
        config.patience,
        key=f"train_patience_{model}",
        help="Epochs without improvement before training stops; 0 never stops early.",
    )
    seed = third.number_input("Seed", 0, 2**31 - 1, config.seed, key=f"train_seed_{model}")
    starts = [*(name for name in INITS if name != "run"), *(f"run {run.name}" for run in runs_in(runs_folder()))]
    own = f"run {Path(config.base).name}"
    default = starts.index(own) if own in starts else starts.index(config.init) if config.init in starts else 0
    help_text = "The best weights of a run, or a built-in initialisation."
    start = st.selectbox("Start from", starts, default, key=f"train_start_{model}", help=help_text)
    st.markdown(f"**It runs {epochs_text(head, epochs, config.frozen)}.**")
    base: dict[str, object] = (
        {"init": "run", "base": runs_folder() / start[4:]} if start.startswith("run ") else {"init": start}
    )
    return {
        "epochs": epochs,
        "head-epochs": head,
        "batch-size": batch,
        "learning-rate": rate,
        "seed": seed,
        "patience": patience,
        **base,
    }


def epochs_text(head: int, epochs: int, frozen: float = 0.0) -> str:
    """The epochs of a run as they will run. frozen: share of the layers that stay as they are.

    >>> epochs_text(2, 10), epochs_text(0, 1)
    ('12 epochs: 2 of the last layer, then 10 of the whole network', '1 epoch, all of the whole network')
    >>> epochs_text(2, 10, 0.4)
    '12 epochs: 2 of the last layer, then 10 of all but the first 40% of the layers'
    """
    total = f"{head + epochs} epoch{'' if head + epochs == 1 else 's'}"
    what = f"all but the first {frozen:.0%} of the layers" if frozen else "the whole network"
    return f"{total}: {head} of the last layer, then {epochs} of {what}" if head else f"{total}, all of {what}"


def estimate(architecture: str) -> str:
    """How long an epoch takes, as Markdown, from available runs that trained the same network."""
    for name, run in available_runs().items():
        steps, _ = metrics_of(run)
        row = MODELS.get(run.config().get("model", ""))
        if row is not None and row.architecture == architecture and not steps.empty:
            speed = steps["images_per_second"].median()
            return (
                f"{inert(name)} trained at {speed:.0f} images per second: {1000 / speed:.0f} s per epoch and 1,000 images."
            )
    return "No run of this network is available yet; the first steps will show its speed."


def checked(manifest: Path, name: str) -> RunFolder:
    """The new run's folder. Raises RunError for a name or a manifest that cannot be used."""
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise RunError(f"A run name has up to 60 letters, digits, dots, dashes and underscores. Received: {name!r}.")
    if not manifest.is_file():
        raise RunError(f"There is no manifest at {manifest}; create one with `python -m covid_model data build`.")
    run = RunFolder(runs_folder() / name)
    if run.path.exists():
        raise RunError(f"A run named {name} already exists; choose another name.")
    return run
