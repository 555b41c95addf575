"""Start a training run from the dashboard."""

import re
from datetime import datetime
from pathlib import Path

import streamlit as st

from covid_model.errors import CovidModelError, RunError
from covid_model.models.specs import MODELS
from covid_model.settings import runs_folder
from covid_model.training.config import INITS
from covid_model.training.process import launch, why_not_here
from covid_model.training.recipes import get_recipe
from covid_model.training.run_folder import RunFolder, runs_in
from ui.inert import inert, inert_message
from ui.manifest import manifest_path
from ui.training.launching import await_run
from ui.training.runs import available_runs, metrics_of


def start_form() -> None:
    """A form with the recipe's defaults; a wrong input is one sentence, and nothing is started."""
    if (why := why_not_here()) is not None:
        st.info(inert_message(why), icon=":material/info:")
        return
    model = st.selectbox("Model", list(MODELS), format_func=lambda key: MODELS[key].title, key="train_model")
    config = get_recipe(model).config
    with st.form("start"):
        manifest = st.text_input("Manifest", str(manifest_path()), help="A file written by `data build`.")
        name = st.text_input("Run name", f"{model}-{datetime.now():%Y%m%d-%H%M}")
        first, second, third = st.columns(3)
        epochs = first.number_input("Epochs", 1, 500, config.epochs)
        batch = second.number_input("Batch size", 1, 256, config.batch)
        rate = third.number_input("Learning rate", 1e-6, 0.5, config.learning_rate, format="%.1e")
        seed = first.number_input("Seed", 0, 2**31 - 1, config.seed)
        patience = second.number_input(
            "Patience",
            0,
            100,
            config.patience,
            help="Epochs without improvement before training stops; 0 never stops early.",
        )
        starts = [*(name for name in INITS if name != "run"), *(f"run {run.name}" for run in runs_in(runs_folder()))]
        own = f"run {Path(config.base).name}"
        default = starts.index(own) if own in starts else starts.index(config.init) if config.init in starts else 0
        start = third.selectbox(
            "Start from", starts, default, help="The best weights of a run, or a built-in initialisation."
        )
        st.caption(estimate(MODELS[model].architecture))
        if not st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:"):
            return
    flags: dict[str, object] = {
        "epochs": epochs,
        "batch-size": batch,
        "learning-rate": rate,
        "seed": seed,
        "patience": patience,
    }
    flags |= {"init": "run", "base": runs_folder() / start[4:]} if start.startswith("run ") else {"init": start}
    try:
        run = checked(Path(manifest), name)
        arguments = ["--model", model, "--manifest", manifest, "--run", str(run.path)]
        await_run(launch([*arguments, *(part for flag, value in flags.items() for part in (f"--{flag}", str(value)))], run))
    except CovidModelError as error:
        st.error(inert_message(error), icon=":material/error:")


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
