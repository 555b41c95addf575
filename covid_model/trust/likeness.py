"""Is an image like those that a promise was calibrated on? The input check and the source probe say so, or that not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import EMBEDDING, Array
from covid_model.evaluation.groups import LEAST
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.trust.source_probe import SourceProbe, load_probe

FARTHEST: Final = 5.0
"""Standard deviations that one feature can add to the distance."""
RECOGNISED: Final = 0.5
"""From this probability on the source probe names the source of an image."""

Coverage = Mapping[str, Mapping[str, Any]]
"""Source -> share of its test images for which a promise was kept, an interval as a dict."""


@dataclass(frozen=True)
class Likeness:
    """What is known of one image for one model. refused: the input check's reason; "" where it accepted the image.

    distance: as in `distance`; None without a source probe. source: the one that the probe names; "" where it names none.
    """

    refused: str
    distance: float | None
    source: str


def distance(probe: SourceProbe, features: Array) -> NDArray[np.float64]:
    """(images,): how far features (images, f) are from the images that the source probe was fitted on.

    Mean magnitude of the standardised features, below 1 for such images; each counts up to FARTHEST, because a feature that
    is almost always 0 has hardly a deviation.
    """
    standard = (features - probe.mean.astype(np.float64)) / probe.scale
    return np.asarray(np.minimum(np.abs(standard), FARTHEST).mean(axis=1))


def likeness(classifier: Classifier, prediction: Prediction) -> Likeness:
    """The likeness of a predicted image."""
    check = prediction.input_check
    refused = "" if check is None else check.reason
    probe = load_probe(classifier.key, classifier.weights_digest)
    if probe is None:
        return Likeness(refused, None, "")
    features = prediction.outputs[EMBEDDING]
    shares = probe.probabilities(features)[0]
    likely = int(shares.argmax())
    return Likeness(
        refused, float(distance(probe, features)[0]), probe.sources[likely] if shares[likely] >= RECOGNISED else ""
    )


def broken_on(coverage: Coverage, level: float) -> tuple[str, ...]:
    """Sources of test images on which a promise was broken beyond chance: the whole interval is below the level."""
    return tuple(name for name, found in coverage.items() if found["images"] >= LEAST and found["high"] < level)


def unlike(found: Likeness, typical: float | None, coverage: Coverage, level: float, kept: str) -> str:
    """Why a promise does not hold for an image, as a part of a sentence; "" where it does.

    typical: the largest distance of an image that is like the calibration images; None for any. coverage,
    level: of the promise. kept: completes "of which only 73% ...".
    """
    if found.refused:
        return found.refused[0].lower() + found.refused[1:].removesuffix(".")
    if found.distance is None:
        return "without a source classifier nobody knows whether this image is like those it was calibrated on"
    if typical is not None and found.distance > typical:
        return "the model's features of this image are unlike those of the images it was calibrated on"
    if found.source in broken_on(coverage, level):
        share = coverage[found.source]["value"]
        return f"the model's features are like those of images from {found.source}, of which only {share:.0%} {kept}"
    return ""
