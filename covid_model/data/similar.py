"""Images that are similar to one image by the cosine similarity of a model's embeddings."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import DataError

BLOCK: Final = 65_536
"""Images compared at once, so that a million embeddings are never in memory together."""


def embedding_path(manifest: Path) -> Path:
    """The file of the embeddings of a measured manifest, (images, features) float16 in its order."""
    return manifest.with_suffix(".embedding.npy")


def similar(
    embeddings: Path, features: NDArray[np.float32], *, count: int = 12, skip: int | None = None
) -> list[tuple[int, float]]:
    """(place, cosine similarity) of the images most similar to `features` (n,), the most similar first.

    embeddings: file of (images, n) float16, as `data measure` writes it. skip: the place of the image itself, to leave out.
    Raises DataError where the file is damaged or of another model.
    """
    try:
        stored = np.load(embeddings, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise DataError(f"{embeddings.name} is not readable; measure the images again: {error}") from error
    if stored.ndim != 2 or stored.shape[1] != len(features):
        raise DataError(f"{embeddings.name} holds features of another model; measure the images again.")
    wanted = features / max(float(np.linalg.norm(features)), 1e-9)
    scores = np.empty(len(stored), np.float32)
    for start in range(0, len(stored), BLOCK):
        part = stored[start : start + BLOCK].astype(np.float32)
        scores[start : start + BLOCK] = part @ wanted / np.maximum(np.linalg.norm(part, axis=1), 1e-9)
    if skip is not None:
        scores[skip] = -np.inf
    best = np.argsort(-scores, kind="stable")[:count]
    return [(int(place), float(scores[place])) for place in best if np.isfinite(scores[place])]
