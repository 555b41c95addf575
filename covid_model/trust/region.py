"""The conformal region: the part of the image, in the heatmap's order, that keeps the predicted class on its own.

Its size is calibrated on held-out images, so that a promised share of images like those keep their class with a region of
that size: `python -m covid_model region`; docs/region.md says how.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import CHUNK, Array
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.models.user_models import folder_of
from covid_model.trust.likeness import Likeness, unlike
from covid_model.trust.score import TrustInput
from covid_model.trust.trust_tests.faithfulness import IMPUTATION

STEPS: Final = 20
"""Sizes that are tried: 0, 5%, ... 100% of what the model sees."""


@dataclass(frozen=True)
class RegionSize:
    """A calibrated size, for one model, method and layer. share: of the model's input. level: the promised coverage.

    calibrated_on: images. coverage: share of test images that keep their class, an interval as a dict; by_source: the same
    for each source; left_out: with the size, `share`, that the other sources would give. typical: the largest
    `distance` at which an image is like the calibration images; None without a source probe. region: what the model sees.
    """

    share: float
    level: float
    layer: str
    calibrated_on: int
    coverage: Mapping[str, Any]
    by_source: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, Mapping[str, Any]]
    typical: float | None
    region: str

    @property
    def sentence(self) -> str:
        """What the region promises, in one sentence."""
        whole = "the image" if self.region == "image" else "what the model sees"
        found = self.coverage
        return (
            f"{self.level:.0%} region: {self.share:.0%} of {whole}; on test images the class was kept for "
            f"{found['value']:.0%} ({found['low']:.0%} to {found['high']:.0%})."
        )


def region_path(model: str, folder: Path) -> Path:
    """Where the calibrated sizes of a model are kept."""
    return folder / f"{model}.region.json"


def load_regions(model: str, digest: str, folder: Path | None = None) -> dict[str, RegionSize]:
    """Method -> its calibrated size, from `folder` or from where the weights are; empty without one for these weights.

    digest: sha256 hex of the weights.
    """
    path = region_path(model, folder or folder_of(model))
    record = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if record.get("weights_sha256") != digest:
        return {}
    shared = {name: record[name] for name in ("level", "typical", "region")}
    known = {part.name for part in fields(RegionSize)}
    return {
        method: RegionSize(**shared, **{name: value for name, value in found.items() if name in known})
        for method, found in record["methods"].items()
    }


def first_pixels(layer_map: Array, shape: tuple[int, int], share: float) -> NDArray[np.bool_]:
    """Which pixels, (H * W,), hold the highest `share` of a map (h, w) enlarged to `shape` (H, W).

    Of equal values, as where a map is 0, those near high values come first, so that regions are whole. Without a sort of
    all pixels: a visitor waits for it.
    """
    enlarged = cv2.resize(layer_map, shape[::-1], interpolation=cv2.INTER_LINEAR)
    values = enlarged.ravel()
    count = round(share * values.size)
    if count == 0:
        return np.zeros(values.size, bool)
    limit = np.partition(values, values.size - count)[values.size - count]
    inside = np.asarray(values > limit)
    equal, missing = np.flatnonzero(values == limit), count - int(inside.sum())
    if missing < len(equal):
        blurred = cv2.GaussianBlur(layer_map, (0, 0), max(layer_map.shape) / 4)
        near = cv2.resize(blurred, shape[::-1], interpolation=cv2.INTER_LINEAR).ravel()
        equal = equal[np.argsort(-near[equal], kind="stable")]
    inside[equal[:missing]] = True
    return inside


def keeps_class(classifier: Classifier, prediction: Prediction, layer_map: Array, shares: Sequence[float]) -> list[bool]:
    """For each share: is the predicted class still the likeliest with the first `share` of the pixels in the map's order,
    and the blurred image elsewhere?
    """
    image = prediction.prepared.batch[0]
    height, width, channels = image.shape
    shown = np.repeat(BASELINE_INPUTS[IMPUTATION](image).reshape(1, -1, channels), len(shares), axis=0)
    for state, share in zip(shown, shares, strict=True):
        places = first_pixels(layer_map, (height, width), share)
        state[places] = image.reshape(-1, channels)[places]
    found = classifier.probabilities(classifier.logits(shown.reshape(-1, height, width, channels)))
    return [bool(one == prediction.predicted) for one in np.array(classifier.card.classes)[found.argmax(axis=1)]]


def least_share(classifier: Classifier, prediction: Prediction, layer_map: Array) -> float:
    """The smallest share of the pixels, in steps of 1 / STEPS, from which on the predicted class is kept; in [0, 1].

    0: the blurred image alone keeps it.
    """
    for last in range(STEPS - 1, -1, -CHUNK):
        steps = range(last, max(-1, last - CHUNK), -1)
        kept = keeps_class(classifier, prediction, layer_map, [step / STEPS for step in steps])
        if not all(kept):
            return (last - kept.index(False) + 1) / STEPS
    return 0.0


def region_mask(inputs: TrustInput, share: float) -> NDArray[np.bool_]:
    """(H, W): the first `share` of what the model sees in the heatmap's order, on the image."""
    shown = inputs.prediction.prepared.model_input
    shape = shown.pixels.shape[:2]
    inside = first_pixels(inputs.explanation.layer_map, (shape[0], shape[1]), share)
    return shown.to_image(inside.reshape(shape).astype(np.float32)) > 0.5


def no_promise(inputs: TrustInput, size: RegionSize, found: Likeness) -> str:
    """Why no region is promised for this image or heatmap, as a sentence; "" where it is. found: of the image."""
    explanation, options = inputs.explanation, inputs.method.options
    changed = any(explanation.options[option.name] != option.default for option in options)
    if (explanation.target, explanation.layer) != (inputs.prediction.predicted, size.layer) or changed:
        return "A region is promised for the predicted class with the method's default layer and settings only."
    why = unlike(found, size.typical, size.by_source, size.level, "kept their class")
    return f"No region is promised: {why}." if why else ""
