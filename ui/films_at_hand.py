"""Films one can pick without uploading: synthetic ones always, public ones where they were fetched or a folder is named."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from covid_model.data.lesions import lesion_mask
from covid_model.data.public_samples import PUBLIC_SAMPLES, PublicSample, fetched_samples
from covid_model.data.sources import find_sources, get_source
from covid_model.errors import DataError
from covid_model.films.film import Film
from covid_model.films.read import load_film
from covid_model.synthetic.samples import Sample, shipped_samples
from ui.manifest import manifest_film

DATA_FOLDER: Final = "COVID_XRAY_DATA"
"""Environment variable that names the folder holding the public downloads."""
MOST: Final = 120
"""Films offered from one source; the Dataset page is the place for more."""


@dataclass(frozen=True)
class FilmAtHand:
    """One film on offer: its key in links, what it is called, whether it is synthetic, and how to read it.

    lesions: what radiologists outlined on the film as read, (H, W) bool, or None. note: where it comes from, "" if the title
    says it all.
    """

    key: str
    title: str
    synthetic: bool
    read: Callable[[], Film]
    lesions: Callable[[Film], NDArray[np.bool_] | None]
    note: str = ""


def _synthetic(sample: Sample) -> FilmAtHand:
    title = f"Synthetic: {sample.label}-like, seed {sample.seed}"
    return FilmAtHand(sample.name, title, True, lambda: load_film(sample.path), lambda _: None, sample.origin)


def _open(sample: PublicSample, path: Path) -> FilmAtHand:
    seen = " The shipped models were trained on it." if sample.split == "train" else ""
    note = f"A real film, {sample.credit}; {sample.url}.{seen}"
    return FilmAtHand(
        f"open-{sample.name}", f"Real: {sample.label}, {sample.name}", False, lambda: load_film(path), lambda _: None, note
    )


def _public(source: str, path: Path, finding: str) -> FilmAtHand:
    def read() -> Film:
        return load_film(path)

    def lesions(film: Film) -> NDArray[np.bool_] | None:
        return lesion_mask(path, film.shape)

    title = f"{source} · {path.name} · {finding}"
    return FilmAtHand(f"{source}/{path.name}", title, False, read, lesions)


def film_of_manifest(key: str) -> FilmAtHand | None:
    """A film of the manifest in use that a link names by its digest; None where there is none."""
    row = manifest_film(key)
    if row is None:
        return None
    path = Path(row["path"])
    found = _public(row["source"], path, row["label"])
    return replace(found, key=key)


@st.cache_resource(ttl="10m", show_spinner="Listing the public films …")
def films_at_hand() -> dict[str, FilmAtHand]:
    """Key -> film, synthetic ones first. A source folder that cannot be read is left out."""
    offered = [
        *map(_synthetic, shipped_samples().values()),
        *(_open(PUBLIC_SAMPLES[name], path) for name, path in fetched_samples().items()),
    ]
    films = {film.key: film for film in offered}
    if root := os.environ.get(DATA_FOLDER):
        for name, folder in find_sources(Path(root)).items():
            try:
                rows = [row for row in get_source(name).read(folder) if row.label and not row.problem]
            except DataError:
                continue
            for row in rows[:: max(1, len(rows) // MOST)][:MOST]:
                film = _public(name, row.path, row.finding)
                films[film.key] = film
    return films
