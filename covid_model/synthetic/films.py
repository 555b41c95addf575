"""What the generator learns from: the films of a training split, small, and of which kind each is."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model.data.labels import LABELS
from covid_model.data.sources import SOURCES
from covid_model.films.preprocess import resized
from covid_model.films.read import load_film

SIDE: Final = 256
"""Pixels a side of a finished film."""

KINDS: Final = tuple((label, age) for label in LABELS for age in ("adults", "children"))
"""What the generator can be asked for. Children come from one collection alone, so age is asked for apart from the label."""


def kinds_of(table: pd.DataFrame) -> NDArray[np.int32]:
    """The row of KINDS for each film of a manifest, (n,) int32."""
    young = {source.name for source in SOURCES.values() if source.children}
    ages = np.where(table["source"].isin(young), "children", "adults")
    return np.array([KINDS.index(pair) for pair in zip(table["label"], ages, strict=True)], np.int32)


def small_films(table: pd.DataFrame) -> NDArray[np.uint8]:
    """Every film of the manifest rows, squeezed to (SIDE, SIDE) as the classifiers squeeze it: (n, SIDE, SIDE) uint8."""
    films = np.empty((len(table), SIDE, SIDE), np.uint8)
    for i, path in enumerate(tqdm(table["path"], desc="preparing films", unit="film")):
        films[i] = np.round(resized(load_film(Path(path)).pixels, (SIDE, SIDE)) * 255)
    return films
