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
from covid_model.evaluation.groups import LEAST
from covid_model.explain.baseline_inputs import BASELINE_INPUTS
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.models.user_models import folder_of
from covid_model.trust.score import TrustInput
from covid_model.trust.source_probe import SourceProbe, embedding, load_probe
from covid_model.trust.trust_tests.faithfulness import IMPUTATION

STEPS: Final = 20
"""Sizes that are tried: 0, 5%, ... 100% of what the model sees."""
FARTHEST: Final = 5.0
"""Standard deviations that one feature can add to the distance."""
RECOGNISED: Final = 0.5
"""From this probability on the source probe names the source of an image."""


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
    def fails_on(self) -> tuple[str, ...]:
        """Sources of test images on which the promise was broken beyond chance: the whole interval is below the level."""
        return tuple(
            name for name, found in self.by_source.items() if found["images"] >= LEAST and found["high"] < self.level
        )

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


def region_order(layer_map: Array, shape: tuple[int, int]) -> NDArray[np.intp]:
    """Flat pixel numbers, (H * W,), by falling value of a map (h, w) enlarged to `shape` (H, W).

    Of equal values, as where a map is 0, those near high values come first, so that regions are whole.
    """
    enlarged = cv2.resize(layer_map, shape[::-1], interpolation=cv2.INTER_LINEAR)
    near = cv2.GaussianBlur(enlarged, (0, 0), max(shape) / 4)
    return np.lexsort((-near.ravel(), -enlarged.ravel()))


def keeps_class(classifier: Classifier, prediction: Prediction, layer_map: Array, shares: Sequence[float]) -> list[bool]:
    """For each share: is the predicted class still the likeliest with the first `share` of the pixels in the map's order,
    and the blurred image elsewhere?
    """
    image = prediction.prepared.batch[0]
    height, width, channels = image.shape
    order = region_order(layer_map, (height, width))
    shown = np.repeat(BASELINE_INPUTS[IMPUTATION](image).reshape(1, -1, channels), len(shares), axis=0)
    for state, share in zip(shown, shares, strict=True):
        places = order[: round(share * order.size)]
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
    inside = np.zeros(shape[0] * shape[1], np.float32)
    inside[region_order(inputs.explanation.layer_map, shape)[: round(share * inside.size)]] = 1
    return shown.to_image(inside.reshape(shape)) > 0.5


def distance(probe: SourceProbe, features: Array) -> NDArray[np.float64]:
    """(images,): how far features (images, f) are from the images that the source probe was fitted on.

    Mean magnitude of the standardised features, below 1 for such images; each counts up to FARTHEST, because a feature that
    is almost always 0 has hardly a deviation.
    """
    standard = (features - probe.mean.astype(np.float64)) / probe.scale
    return np.asarray(np.minimum(np.abs(standard), FARTHEST).mean(axis=1))


def unlike(inputs: TrustInput, size: RegionSize) -> str:
    """Why the promise does not hold for this image or heatmap, as a sentence; "" where it does."""
    found, check = inputs.explanation, inputs.prediction.input_check
    if check is not None and not check.accepted:
        return f"No region is promised. {check.reason}"
    if (found.target, found.layer) != (inputs.prediction.predicted, size.layer) or _changed_options(inputs):
        return "A region is promised for the predicted class with the method's default layer and settings only."
    probe = load_probe(found.model, found.model_digest)
    if probe is None or size.typical is None:
        return "No region is promised: without a source classifier nobody knows whether this image is like the others."
    features = embedding(inputs.classifier.forward, inputs.prediction.prepared.batch)
    if distance(probe, features)[0] > size.typical:
        return "No region is promised: the model's features of this image are unlike those it was calibrated on."
    named = dict(zip(probe.sources, probe.probabilities(features)[0], strict=True))
    likely = max(named, key=named.__getitem__)
    if named[likely] >= RECOGNISED and likely in size.fails_on:
        kept = size.by_source[likely]["value"]
        return (
            f"No region is promised: the model's features say that this image is like those from {likely}, of which only "
            f"{kept:.0%} kept their class."
        )
    return ""


def _changed_options(inputs: TrustInput) -> bool:
    """Do the heatmap's settings differ from the method's own?"""
    return any(inputs.explanation.options[option.name] != option.default for option in inputs.method.options)
