"""Subsets of a test split in which the usual shortcuts do not help."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.data.sources import sources_with
from covid_model.models.card import Card

ADULT: Final = 18.0


@dataclass(frozen=True)
class Subset:
    """One subset of a split. title: for tables. rows: (manifest rows, card) -> (n,) bool."""

    key: str
    title: str
    rows: Callable[[pd.DataFrame, Card], NDArray[np.bool_]]


def _adults(table: pd.DataFrame, _: Card) -> NDArray[np.bool_]:
    """Images that are not from a collection of children and not of a patient known to be a child."""
    children = table["source"].isin(sources_with(lambda source: source.children))
    young = table["age"].fillna(ADULT) < ADULT
    return np.asarray(~children & ~young, bool)


def _new_sources(table: pd.DataFrame, card: Card) -> NDArray[np.bool_]:
    """Images of collections that the model was not trained on; none where its training images are unknown."""
    seen = {cells["source"] for cells in card.training.get("images", []) if cells["split"] == "train"}
    return np.asarray(~table["source"].isin(seen), bool) if seen else np.zeros(len(table), bool)


def _one_source(table: pd.DataFrame, _: Card) -> NDArray[np.bool_]:
    """Images of adults from the collection that has images with and without COVID-19."""
    return np.asarray(table["source"].isin(sources_with(lambda source: source.controls)), bool) & _adults(table, _)


SUBSETS: Final = {
    subset.key: subset
    for subset in (
        Subset("adults", "children apart", _adults),
        Subset("one_source", "sources apart: all images from one collection", _one_source),
        Subset("new_sources", "collections it was not trained on", _new_sources),
    )
}
