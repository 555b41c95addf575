"""Fit the input check on a training split, set its threshold on the validation split, and measure it on the test split."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model import __version__
from covid_model.build.negatives import NEGATIVES
from covid_model.data.manifest import data_hash
from covid_model.evaluation.bootstrap import share_interval
from covid_model.files import file_sha256, write_arrays, write_json
from covid_model.images.read import load_image
from covid_model.input_check.check import CARD, FRONTAL, NUMBERS, InputCheck
from covid_model.input_check.features import measure
from covid_model.lungs.segment import LungSegmenter
from covid_model.training.augment import Augmentation, affine, reexposed, warp

SPARED: Final = 0.98
"""Share of the frontal images of the worst source of the validation split that the input check must let through."""
HIGHEST: Final = 0.8
"""Upper bound of the threshold."""
FRONTAL_VIEWS: Final = frozenset({"PA", "AP", "AP Supine"})
HARMLESS: Final = Augmentation(
    rotate=10, zoom=(0.85, 1.1), shift=0.04, gamma=(0.6, 1.6), contrast=0.5, brightness=0.1, blur=2.0, noise=0.06
)
"""Changes with which a frontal image is still one."""
PER_IMAGE: Final = 8
"""Random negatives made from each training image; from validation and test images all are made."""
STRENGTHS: Final = (0.003, 0.01, 0.03, 0.1)
"""Inverse strengths of the penalty to choose from."""


@dataclass(frozen=True, eq=False)
class PictureFeatures:
    """Features of n pictures. x: (n, features). name: the finest kind; kind: FRONTAL or a key of REASONS. source and
    patient: of the image that a picture was made from.
    """

    x: NDArray[np.float32]
    name: NDArray[np.str_]
    kind: NDArray[np.str_]
    source: NDArray[np.str_]
    patient: NDArray[np.str_]


def picture_features(table: pd.DataFrame, segmenter: LungSegmenter, seed: int, vary: bool) -> PictureFeatures:
    """Features of every image of the manifest rows and, for frontal ones, of the NEGATIVES made from it.

    vary: add two copies of each image with harmless changes, six of laterals; for training.
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[NDArray[np.float32], str, str, str, str]] = []
    cells = zip(table["path"], table["view"], table["source"], table["patient"], strict=True)
    for path, view, source, patient in tqdm(cells, desc="computing features", total=len(table), disable=None):
        pixels = load_image(Path(path)).pixels
        frontal = view in FRONTAL_VIEWS
        for picture, name, kind in _pictures(pixels, frontal, vary, segmenter, rng):
            rows.append((measure(segmenter.run(picture)), name, kind, source, patient))
    x, names, kinds, sources, patients = zip(*rows, strict=True)
    return PictureFeatures(np.stack(x), np.array(names), np.array(kinds), np.array(sources), np.array(patients))


def _pictures(
    pixels: NDArray[np.float32], frontal: bool, vary: bool, segmenter: LungSegmenter, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], str, str]]:
    """(picture, name, kind) of one image and of the negatives made from it."""
    own = FRONTAL if frontal else "lateral"
    yield pixels, own, own
    for _ in range((2 if frontal else 6) if vary else 0):
        framed = np.pad(pixels, round(rng.uniform(0, 0.08) * pixels.shape[0]), constant_values=float(rng.integers(2)))
        changed = reexposed(warp(framed, affine(HARMLESS, framed.shape, rng)), HARMLESS, rng)
        yield np.ascontiguousarray(changed[:, ::-1]) if not frontal and rng.random() < 0.5 else changed, own, own
    if frontal:
        mask = segmenter.find(pixels).mask
        for place in rng.permutation(len(NEGATIVES))[: PER_IMAGE if vary else None]:
            negative = NEGATIVES[place]
            yield negative.make(pixels, mask, rng), negative.name, negative.kind


def fit_input_check(train: PictureFeatures, val: PictureFeatures, seed: int = 0) -> InputCheck:
    """The penalty with the best validation likelihood, then the threshold that spares the frontal images of every source."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    centre, spread = train.x.mean(axis=0), np.maximum(train.x.std(axis=0), 1e-3)
    names = np.unique(train.name)
    weight = {name: 4.0 if name == FRONTAL else 1.0 for name in names}
    fitted = [
        LogisticRegression(C=strength, class_weight=weight, max_iter=400, random_state=seed).fit(
            (train.x - centre) / spread, train.name
        )
        for strength in STRENGTHS
    ]
    losses = [log_loss(val.name, model.predict_proba((val.x - centre) / spread), labels=names) for model in fitted]
    best = fitted[int(np.argmin(losses))]
    kind_of = dict(zip(train.name, train.kind, strict=True))
    kinds = tuple(str(kind_of[name]) for name in best.classes_)
    check = InputCheck(kinds, best.coef_.T, best.intercept_, centre, spread, threshold=0.5)
    frontal = np.array([check.probabilities(x)[FRONTAL] for x in val.x])
    real = val.name == FRONTAL
    floors = [
        float(np.quantile(frontal[real & (val.source == source)], 1 - SPARED)) for source in np.unique(val.source[real])
    ]
    return replace(check, threshold=min(HIGHEST, *floors))


def write_input_check(check: InputCheck, path: Path = NUMBERS) -> None:
    """The input check's kinds, threshold and arrays, float64."""
    write_arrays(path, {name: np.asarray(value) for name, value in vars(check).items()})


def refusals(check: InputCheck, pictures: PictureFeatures) -> dict[str, Any]:
    """Share refused with its interval by patient: of real frontal images by source, of the rest by name."""
    refused = np.array([not check.rule(x).accepted for x in pictures.x], float)
    groups = {
        f"{FRONTAL}/{source}": (pictures.name == FRONTAL) & (pictures.source == source)
        for source in np.unique(pictures.source)
    }
    groups |= {str(name): pictures.name == name for name in np.unique(pictures.name) if name != FRONTAL}
    return {
        name: {"pictures": int(chosen.sum()), **vars(share_interval(pictures.patient[chosen], refused[chosen]))}
        for name, chosen in groups.items()
        if chosen.any()
    }


def fit_and_measure(table: pd.DataFrame) -> dict[str, Any]:
    """Fit on the train split, set the threshold on val, measure on test; writes the check and its card, returns the card."""
    segmenter = LungSegmenter.load()
    parts = {name: table[table["split"] == name] for name in ("train", "val", "test")}
    train = picture_features(parts["train"], segmenter, 0, vary=True)
    check = fit_input_check(train, picture_features(parts["val"], segmenter, 1, vary=False))
    write_input_check(check)
    return write_card(check, table, refusals(check, picture_features(parts["test"], segmenter, 2, vary=False)))


def write_card(check: InputCheck, table: pd.DataFrame, scores: dict[str, Any]) -> dict[str, Any]:
    """What was measured on the test split, beside the input check; returns the card."""
    card = {
        "title": "Input check",
        "summary": "Refuses what is not an upright frontal chest X-ray, with the reason.",
        "training": {"data_hash": data_hash(table), "spared": SPARED, "features": len(check.centre)},
        "scores": scores,
        "weights_sha256": file_sha256(NUMBERS),
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "limits": ["CT slices, text and screens of training and test are drawn or simulated; lateral images are few."],
    }
    write_json(CARD, card)
    return card


def with_laterals(table: pd.DataFrame, all_views: pd.DataFrame) -> pd.DataFrame:
    """The images of `table` and the lateral ones of `all_views`, each in its patient's split; new patients go to "test"."""
    laterals = all_views[~all_views["path"].isin(table["path"]) & (all_views["view"] == "L")].copy()
    split = table.drop_duplicates("patient").set_index("patient")["split"]
    laterals["split"] = laterals["patient"].map(split).fillna("test")
    return pd.concat([table, laterals], ignore_index=True)
