"""A report of drawn numbers, as `evaluate` would have written it."""

from pathlib import Path

import numpy as np
import pandas as pd

from covid_model.evaluation.cases import Cases
from covid_model.evaluation.report import measured, predictions, write_report

CLASSES = ("COVID-19", "Pneumonia", "Normal")


def drawn_rows(digests: list[str], images: int, seed: int = 0) -> tuple[pd.DataFrame, Cases]:
    """Rows of a manifest and cases: `images` of two a patient, whose probabilities hold. digests: of the first of them."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.7, 0.7, 0.7], images)
    label = (probabilities.cumsum(axis=1) > rng.random((images, 1))).argmax(axis=1)
    rows = pd.DataFrame(
        {
            "digest": [*digests, *(f"{number:064x}" for number in range(10_000 + len(digests), 10_000 + images))],
            "source": rng.choice(["one", "two"], images),
            "view": rng.choice(["PA", "AP", ""], images),
            "sex": rng.choice(["F", "M"], images),
            "age": rng.integers(1, 95, images).astype(float),
            "label": np.array(CLASSES)[label],
            "split": np.where(np.arange(images) < 0.7 * images, "test", "val"),
            "cluster": rng.integers(1, 5, images),
        }
    )
    return rows, Cases(CLASSES, label, probabilities, np.arange(images) // 2, uncalibrated=probabilities)


def write_drawn_report(folder: Path, digests: list[str], images: int = 100, seed: int = 0, title: str = "Drawn") -> None:
    rows, cases = drawn_rows(digests, images, seed)
    about = {
        "model": folder.name,
        "title": title,
        "weights_sha256": "0" * 64,
        "data_hash": "1" * 64,
        "date": "2026-01-02T00:00:00+00:00",
        "version": "0",
        "classes": list(CLASSES),
        "head": "multiclass",
        "left_out": 0,
    }
    write_report(about | measured(rows, cases, {}, {}), predictions(rows, cases, ""), folder)
