"""The training images of the generator: those of a train split, small, with the kind of each."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model.build.synthetic.stages import KINDS, SIDE
from covid_model.data.sources import sources_with
from covid_model.images.preprocess import resized
from covid_model.images.read import load_image


def kinds_of(table: pd.DataFrame) -> NDArray[np.int32]:
    """The row of KINDS for each image of a manifest, (n,) int32."""
    young = sources_with(lambda source: source.children)
    ages = np.where(table["source"].isin(young), "children", "adults")
    return np.array([KINDS.index(pair) for pair in zip(table["label"], ages, strict=True)], np.int32)


def small_images(table: pd.DataFrame) -> NDArray[np.uint8]:
    """Every image of the manifest rows, resized as for the classifiers: (n, SIDE, SIDE) uint8."""
    images = np.empty((len(table), SIDE, SIDE), np.uint8)
    for i, path in enumerate(tqdm(table["path"], desc="preparing images", unit="image", disable=None)):
        images[i] = np.round(resized(load_image(Path(path)).pixels, (SIDE, SIDE)) * 255)
    return images
