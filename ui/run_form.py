"""Start a training from the dashboard."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import streamlit as st

from covid_model.errors import CovidModelError, RunError
from covid_model.training.config import INITS
from covid_model.training.process import launch, why_not_here
from covid_model.training.recipes import RECIPES
from covid_model.training.run_folder import RunFolder
from covid_model.zoo.models import MODELS
from ui.runs import runs_folder

FILMS_PER_SECOND: Final = {"efficientnet-lite0": 40.0}
"""Measured on two cores; the ancestors' small networks are several times faster."""
QUICK: Final = 200.0


def start_form() -> None:
    """A form with the recipe's defaults; what is wrong is one sentence, and nothing is started."""
    if (why := why_not_here()) is not None:
        st.info(why, icon=":material/info:")
        return
    model = st.selectbox("Model", list(RECIPES), format_func=lambda key: MODELS[key].title, key="train_model")
    config = RECIPES[model].config
    with st.form("start"):
        manifest = st.text_input("Manifest", "manifest.parquet", help="As written by `data build`.")
        name = st.text_input("Name of the run", f"{model}-{datetime.now():%Y%m%d-%H%M}")
        first, second, third = st.columns(3)
        epochs = first.number_input("Epochs", 1, 500, config.epochs)
        batch = second.number_input("Batch", 1, 256, config.batch)
        rate = third.number_input("Learning rate", 1e-6, 0.5, config.rate, format="%.1e")
        seed = first.number_input("Seed", 0, 2**31 - 1, config.seed)
        patience = second.number_input("Patience", 0, 100, config.patience, help="0 never stops early.")
        init = third.selectbox("Start from", INITS, INITS.index(config.init))
        speed = FILMS_PER_SECOND.get(MODELS[model].architecture, QUICK)
        st.caption(f"Some {1000 / speed:.0f} s an epoch for every 1,000 films on two cores.")
        if not st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:"):
            return
    flags = {"epochs": epochs, "batch-size": batch, "rate": rate, "seed": seed, "patience": patience, "init": init}
    try:
        run = checked(Path(manifest), name)
        arguments = ["--model", model, "--manifest", manifest, "--run", str(run.path)]
        launch([*arguments, *(part for flag, value in flags.items() for part in (f"--{flag}", str(value)))], run)
        st.success(f"{name} is starting; it appears in the list within seconds.", icon=":material/check:")
    except CovidModelError as error:
        st.error(str(error), icon=":material/error:")


def checked(manifest: Path, name: str) -> RunFolder:
    """The new run's folder. Raises RunError for a name or a manifest that cannot be used."""
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        raise RunError(f"A run's name has up to 60 letters, digits, dots, dashes and underscores. Received: {name!r}.")
    if not manifest.is_file():
        raise RunError(f"There is no manifest at {manifest}; build one with `python -m covid_model data build`.")
    run = RunFolder(runs_folder() / name)
    if run.path.exists():
        raise RunError(f"A run called {name} exists already; choose another name.")
    return run
