"""A training of seconds on drawn images, for several test files."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from toy_models import FixedLungs, lung_area

from covid_model.lungs.segment import LungMask
from covid_model.training.config import TrainConfig
from covid_model.training.run_folder import RunFolder

SIDE = 96
CONFIG = TrainConfig(
    "steveroger",
    epochs=2,
    head_epochs=1,
    batch=4,
    steps=3,
    weight_decay=0.01,
    init="random",
    log_every=1,
    augmentation="light",
)


def noisy_table(folder: Path) -> pd.DataFrame:
    """24 noisy images; those of COVID-19 are brighter."""
    rows = []
    for number in range(24):
        label = ("COVID-19", "Normal", "Pneumonia")[number % 3]
        rng = np.random.default_rng(number)
        grey = rng.normal(150 if label == "COVID-19" else 90, 20, (SIDE, SIDE)).clip(1, 254).astype(np.uint8)
        path = folder / f"{number}.png"
        Image.fromarray(grey).save(path)
        split = "train" if number < 12 else "val" if number < 18 else "test"
        rows.append((str(path), "drawn", f"p{number}", label, split, f"{number:064x}"))
    return pd.DataFrame(rows, columns=["path", "source", "patient", "label", "split", "digest"])


class SquareLungs(FixedLungs):
    """The same lungs on square images of any size."""

    def find(self, pixels: np.ndarray) -> LungMask:
        return LungMask(lung_area(pixels.shape[0]), "good", (), 0.3, 1.0)


def segmenter() -> FixedLungs:
    return SquareLungs(lung_area(SIDE))


def lines(run: RunFolder, kind: str) -> list[dict]:
    found = map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines())
    return [line for line in found if line["kind"] == kind]
