"""What the tests of inspected model files share: inspections, images, and the probabilities of what was made of a file."""

from pathlib import Path

import keras
import numpy as np
from model_files import saved

from covid_model.models.calibration import calibrated
from covid_model.models.inspecting import Inspected, inspect


def inspected(model: keras.Model, folder: Path, suffix: str = ".keras") -> tuple[Inspected, keras.Model]:
    saved(model, folder / f"m{suffix}")
    return inspected_file(folder / f"m{suffix}")


def inspected_file(path: Path) -> tuple[Inspected, keras.Model]:
    flat = path.with_name("flat.keras")
    return inspect(path, flat), keras.saving.load_model(flat, compile=False)


def images(side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).random((3, side, side, 3)).astype(np.float32)


def probabilities(network: keras.Model, found: Inspected, batch: np.ndarray) -> np.ndarray:
    return calibrated(np.asarray(network(batch, training=False)), 1.0, found.head)
