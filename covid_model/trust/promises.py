"""What is promised of one image and its heatmap: a label set and a region, each in one sentence, or why there is none.

Page, report and record take their sentences from here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covid_model.errors import DataError
from covid_model.evaluation.stored import find_reports, read_report
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.trust.label_set import LabelSet, label_set
from covid_model.trust.likeness import Likeness, likeness
from covid_model.trust.region import RegionSize, keeps_class, load_regions, no_promise, region_mask
from covid_model.trust.score import TrustInput


@dataclass(frozen=True)
class PromisedRegion:
    """The region of one heatmap. size: as calibrated for model and method. why_not: why it is not promised; "" where it is.

    kept: does this image keep its class with the region alone? None where none is promised, or the region is empty.
    mask: (H, W) bool, the region on the image; None where kept is.
    """

    size: RegionSize
    why_not: str = ""
    kept: bool | None = None
    mask: NDArray[np.bool_] | None = None

    @property
    def sentence(self) -> str:
        """The promise and what came of it on this image, or why there is none."""
        if self.why_not:
            return self.why_not
        if self.kept is None:
            return f"{self.size.sentence} The blurred image alone keeps it, so there is nothing to outline."
        return f"{self.size.sentence} Of this image it is {'kept' if self.kept else 'not kept'}."

    def record(self) -> dict[str, Any]:
        """Everything but the mask as JSON values; of a region that is not promised only why."""
        size = {name: getattr(self.size, name) for name in ("share", "calibrated_on", "coverage")}
        return _record(self.size.level, self.sentence, {} if self.why_not else {"kept": self.kept, **size})


@dataclass(frozen=True)
class Promises:
    """labels: the label set; None without a report. region: None where none was calibrated."""

    labels: LabelSet | None
    region: PromisedRegion | None

    def record(self) -> dict[str, Any]:
        """Both as JSON values, null where the model has none."""
        labels, region = self.labels, self.region
        found = labels and _record(
            labels.level, labels.sentence, {} if labels.unlike else {"names": labels.names, "coverage": labels.coverage}
        )
        return {"label_set": found, "region": region and region.record()}


def promises(inputs: TrustInput) -> Promises:
    """What is promised of an image and its heatmap."""
    found = likeness(inputs.classifier, inputs.prediction)
    return Promises(promised_labels(inputs.classifier, inputs.prediction, found), promised_region(inputs, found))


def promised_labels(classifier: Classifier, prediction: Prediction, found: Likeness) -> LabelSet | None:
    """The label set of an image by the model's report; None without one of these weights. found: of the image."""
    folder, digest = find_reports().get(classifier.key), classifier.weights_digest
    try:
        content = read_report(folder).content if folder else {}
    except DataError:
        return None
    conformal = content["conformal"] if content.get("weights_sha256") == digest else {}
    typical = next((size.typical for size in load_regions(classifier.key, digest).values()), None)
    return label_set(conformal, prediction, found, typical)


def promised_region(inputs: TrustInput, found: Likeness) -> PromisedRegion | None:
    """The region of a heatmap; None where none was calibrated for its model and method. found: of the image."""
    explanation = inputs.explanation
    size = load_regions(explanation.model, explanation.model_digest).get(explanation.method)
    if size is None:
        return None
    if why_not := no_promise(inputs, size, found):
        return PromisedRegion(size, why_not)
    if size.share == 0:
        return PromisedRegion(size)
    (kept,) = keeps_class(inputs.classifier, inputs.prediction, explanation.layer_map, [size.share])
    return PromisedRegion(size, "", kept, region_mask(inputs, size.share))


def _record(level: float, sentence: str, details: dict[str, Any]) -> dict[str, Any]:
    """One promise. details: empty where it is not given."""
    return {"promised": bool(details), "level": level, "sentence": sentence, **details}
