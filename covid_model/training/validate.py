"""Validation after every epoch: scores on the validation images, and heatmaps of a few fixed ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.backends.base import run_in_chunks
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.evaluation.calibrate import SPECIFICITY
from covid_model.evaluation.scores import auc, confusion, sensitivity, threshold_at_specificity
from covid_model.explain.energy import energy_in_mask
from covid_model.explain.methods import get_method
from covid_model.explain.target import class_target
from covid_model.images.phantom import PHANTOMS, phantom_png
from covid_model.images.preprocess import preprocess
from covid_model.images.read import load_image, read_image
from covid_model.images.xray_image import XrayImage
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.calibration import calibrated
from covid_model.models.specs import ModelSpec
from covid_model.training.losses import classification_loss

SHOWN: Final = 6
"""Validation images whose heatmaps are kept for every epoch, beside those of the drawn images."""
DRAWN_CLASS: Final = "COVID-19"
"""Target of the heatmaps of drawn images; for models without this class it is the last one."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Fixed images whose heatmaps are kept. inputs: (n, h, w, c). label: class to explain. lungs: (n, h, w) bool.

    drawn: (n,) bool, images drawn by this program, which may be published.
    """

    inputs: NDArray[np.float32]
    label: NDArray[np.int64]
    lungs: NDArray[np.bool_]
    drawn: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Validation:
    """The validation images, preprocessed as in the app. inputs: (n, h, w, c). label: (n,) class indices.

    offset: (n, classes), what is added to the logits for the loss, as in training; the other scores are without it.
    """

    inputs: NDArray[np.float32]
    label: NDArray[np.int64]
    shown: Shown
    offset: NDArray[np.float32] | None = None


def _seen(image: XrayImage, spec: ModelSpec, segmenter: LungSegmenter) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The model's input (h, w, c) and the lungs on it (h, w)."""
    lungs = segmenter.find(image.pixels)
    made = preprocess(image, spec.preprocessing, lungs.mask)
    rows = np.linspace(made.box.top, made.box.bottom - 1, spec.preprocessing.size[0]).round().astype(int)
    cols = np.linspace(made.box.left, made.box.right - 1, spec.preprocessing.size[1]).round().astype(int)
    return made.pixels, lungs.mask[np.ix_(rows, cols)]


def load_validation(
    spec: ModelSpec,
    table: pd.DataFrame,
    label: NDArray[np.int64],
    segmenter: LungSegmenter,
    each: Callable[[], None],
) -> Validation:
    """Prepare all images once; the shown ones are spread over the classes. each: called after every image."""
    images = []
    for path in table["path"]:
        images.append(_seen(load_image(Path(path)), spec, segmenter))
        each()
    by_class = [np.flatnonzero(label == k) for k in range(len(spec.classes))]
    turns = [members[turn] for turn in range(SHOWN) for members in by_class if turn < len(members)]
    phantoms = [_seen(read_image(phantom_png(phantom)), spec, segmenter) for phantom in PHANTOMS.values()]
    chosen = [*phantoms, *(images[i] for i in turns[:SHOWN])]
    shown = Shown(
        inputs=np.stack([pixels for pixels, _ in chosen]),
        label=np.array([_drawn_class(spec)] * len(phantoms) + [label[i] for i in turns[:SHOWN]], np.int64),
        lungs=np.stack([lungs for _, lungs in chosen]),
        drawn=np.arange(len(chosen)) < len(phantoms),
    )
    return Validation(np.stack([pixels for pixels, _ in images]), label, shown)


def _drawn_class(spec: ModelSpec) -> int:
    """The index of the class that the heatmaps of the drawn images are for."""
    return spec.class_of(DRAWN_CLASS) if DRAWN_CLASS in spec.labels else len(spec.classes) - 1


def validate(backend: TensorFlowBackend, images: Validation, classes: tuple[str, ...]) -> dict[str, Any]:
    """Loss, accuracy, AUC and sensitivity at 95% specificity by class, and the confusion matrix."""
    logits = run_in_chunks(backend, images.inputs)
    onehot = np.eye(len(classes), dtype=np.float32)[images.label]
    shares = calibrated(logits, 1.0)
    called = shares.argmax(axis=1)
    found: dict[str, Any] = {
        "val_loss": float(np.mean(classification_loss(logits, onehot, 0.0, images.offset))),
        "val_accuracy": float((called == images.label).mean()),
        "confusion": confusion(images.label, called, len(classes)),
    }
    for k, name in enumerate(classes):
        truth = images.label == k
        value = auc(truth, shares[:, k])
        found[f"val_auc/{name}"] = None if np.isnan(value) else value
        if truth.any() and not truth.all():
            point = threshold_at_specificity(truth, shares[:, k], SPECIFICITY)
            found[f"val_sensitivity/{name}"] = sensitivity(truth, shares[:, k] >= point)
    return found


def heatmaps(backend: TensorFlowBackend, images: Shown, spec: ModelSpec, out: Path) -> float | None:
    """Grad-CAM of the shown images, to `out` (.npz: maps, inputs, label, lungs, drawn).

    Returns the mean share of the maps inside the lungs; None where no map has a positive value.
    """
    grad_cam, maps, shares = get_method("gradcam"), [], []
    for pixels, label, lungs in zip(images.inputs, images.label, images.lungs, strict=True):
        target = class_target(spec.classes[label], spec.classes, backend.units)
        found = grad_cam(backend, pixels[None], target, layer=spec.explanation_layers[0])
        maps.append(found)
        cells = cv2.resize(lungs.astype(np.float32), found.shape[::-1], interpolation=cv2.INTER_AREA)
        shares.append(energy_in_mask(found, np.asarray(cells, np.float32)))
    grey = images.inputs[..., 0]
    low, high = grey.min(), grey.max()
    np.savez_compressed(
        out,
        maps=np.stack(maps).astype(np.float16),
        inputs=np.round((grey - low) / max(float(high - low), 1e-6) * 255).astype(np.uint8),
        label=images.label,
        lungs=images.lungs,
        drawn=images.drawn,
    )
    return None if np.isnan(shares).all() else float(np.nanmean(shares))
