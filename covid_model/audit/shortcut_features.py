"""A model's features of altered images, and what an image tells without a network: what the shortcut audit is fitted on."""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.audit.outline import made_from
from covid_model.backends.base import EMBEDDING, LOGITS, Progress
from covid_model.files import read_arrays, write_arrays
from covid_model.images.preprocess import preprocess, resized
from covid_model.images.read import load_image
from covid_model.models.classifier import Classifier
from covid_model.progress import ProgressLog
from covid_model.threads import in_order
from covid_model.trust.edits import Edit, edited
from covid_model.trust.trust_tests.region_ablation import REGIONS

Features = dict[str, NDArray[np.float32]]
Mask = NDArray[np.bool_]

WHOLE: Final = "whole image"
REMOVED: Final = "lungs removed"
SILHOUETTE: Final = "silhouette"
SHUFFLED: Final = "patches shuffled"
THUMBNAIL: Final = "8 x 8 thumbnail"
HISTOGRAM: Final = "histogram"
MARKED: Final = "marked"
EVERY: Final = 100
"""Images between two writes: an interruption loses at most the work on these."""
PATCHES: Final = 8
GREY_LEVELS: Final = 32
MARKER: Final = Edit("r", 0.03, 0.03, 0.15, 0.15)


def silhouette(pixels: NDArray[np.float32], lungs: Mask) -> NDArray[np.float32]:
    """The lungs filled with one grey, black around: their outline and nothing else."""
    return np.where(lungs, np.float32(0.5), np.float32(0))


def patches_shuffled(pixels: NDArray[np.float32], lungs: Mask) -> NDArray[np.float32]:
    """The image in PATCHES x PATCHES pieces in random order: texture without anatomy (Ong Ly 2024)."""
    height, width = (length // PATCHES for length in pixels.shape)
    inside = pixels[: height * PATCHES, : width * PATCHES]
    pieces = inside.reshape(PATCHES, height, PATCHES, width).swapaxes(1, 2).reshape(-1, height, width)
    order = np.random.default_rng(int(1e6 * pixels.mean())).permutation(PATCHES**2)
    mixed = pixels.copy()
    mixed[: height * PATCHES, : width * PATCHES] = (
        pieces[order].reshape(PATCHES, PATCHES, height, width).swapaxes(1, 2).reshape(inside.shape)
    )
    return mixed


ALTERED: Final[dict[str, Callable[[NDArray[np.float32], Mask], NDArray[np.float32]]]] = {
    WHOLE: lambda pixels, _: pixels,
    **{name: REGIONS[name] for name in ("lungs only", REMOVED, "border only", "corners only")},
    SILHOUETTE: silhouette,
    SHUFFLED: patches_shuffled,
}
"""Name -> (pixels (H, W), lungs (H, W)) -> altered pixels."""
WITHOUT_LUNGS: Final = {WHOLE, SHUFFLED, THUMBNAIL, HISTOGRAM, MARKED}
"""What can be computed of an image whose lungs were not looked for."""


def shortcut_features(classifier: Classifier, rows: pd.DataFrame, names: Sequence[str], parts: Path) -> Features:
    """Name -> (n, features) of the images of some manifest rows.

    names: of ALTERED, THUMBNAIL, HISTOGRAM or MARKED (1 where a pasted “R” changes the prediction). parts: a folder where
    finished parts are kept; an interrupted call continues with them.
    """
    parts.mkdir(parents=True, exist_ok=True)
    found = []
    with ProgressLog("auditing shortcuts", len(rows)) as log:
        for start in range(0, len(rows), EVERY):
            chunk = rows.iloc[start : start + EVERY]
            name = sha256("".join([*made_from(classifier).values(), *chunk["digest"]]).encode()).hexdigest()[:32]
            path = parts / f"{name}.npz"
            kept = read_arrays(path) if path.is_file() else {}
            if missing := [key for key in names if key not in kept]:
                made = list(in_order(partial(_of_image, classifier, missing), chunk["path"]))
                kept |= {key: np.stack([one[key] for one in made]) for key in missing}
                write_arrays(path, kept)
            found.append(kept)
            log.add(len(chunk))
    return {key: np.concatenate([part[key] for part in found]).astype(np.float32) for key in names}


def _of_image(classifier: Classifier, names: Sequence[str], path: str, _: Progress) -> Features:
    image = load_image(Path(path))
    spec, mask = classifier.card.preprocessing, np.zeros(image.pixels.shape, bool)
    if spec.region == "lungs" or not WITHOUT_LUNGS.issuperset(names):
        mask = classifier.segmenter.find(image.pixels).mask
    shown = {name: alter(image.pixels, mask) for name, alter in ALTERED.items() if name in names}
    if MARKED in names:
        shown |= {WHOLE: image.pixels, MARKED: edited(image.pixels, [MARKER])}
    found: Features = {}
    if shown:
        batch = np.stack([preprocess(image.altered(pixels), spec, mask).pixels for pixels in shown.values()])
        outputs = classifier.forward.run(batch, (LOGITS, EMBEDDING))
        found |= dict(zip(shown, outputs[EMBEDDING].astype(np.float16), strict=True))
        if MARKED in names:
            called = dict(zip(shown, classifier.probabilities(outputs[LOGITS]).argmax(axis=1), strict=True))
            found[MARKED] = np.array([called[MARKED] != called[WHOLE]], np.float32)
    if THUMBNAIL in names:
        found[THUMBNAIL] = resized(image.pixels, (8, 8)).ravel()
    if HISTOGRAM in names:
        counts = np.histogram(image.pixels, GREY_LEVELS, (0, 1))[0]
        found[HISTOGRAM] = (counts / image.pixels.size).astype(np.float32)
    return found
