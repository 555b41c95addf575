"""The result of one trust test, and what a test works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Progress, silent
from covid_model.explain.engine import ClassifierLike, explain
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import Method, get_method
from covid_model.explain.target import Target, resolve_target
from covid_model.images.xray_image import XrayImage
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction
from covid_model.trust.maps import comparable

Outcome = Literal["passed", "failed", "unclear", "against", "informational"]
OUTCOMES: Final[dict[Outcome, str]] = {
    "passed": "passed",
    "failed": "failed",
    "unclear": "cannot decide",
    "against": "speaks against it",
    "informational": "for information",
}
"""How a test went, in words. passed, failed: it decides. unclear: it could not decide here. against, informational: it never
decides, and what it found speaks against the heatmap, or does not.
"""

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class TrustScore:
    """What one trust test found about one heatmap.

    value: the measured number. chance: the value of a map or model without merit, None where it is not known.
    better: does a good map have a higher or a lower value than chance? sentence: the finding in plain words, then a colon
    and its numbers. details: plain values behind it (curves, matrices, lists), for figures and records. caveat: a sentence
    that a supported verdict must not leave out; "" for none. doubt: is no heatmap supported with this finding, though it
    accuses none?
    """

    key: str
    value: float | None
    chance: float | None
    better: Better
    outcome: Outcome
    sentence: str
    details: dict[str, Any] = field(default_factory=dict)
    caveat: str = ""
    doubt: bool = False

    @property
    def finding(self) -> str:
        """The sentence without its numbers."""
        return f"{self.sentence.partition(': ')[0].removesuffix('.')}."


@dataclass(eq=False)
class TrustInput:
    """One heatmap under test, with its model and image, and the audit record of the model.

    measured: the model's audit record (`audit.audit_record`), empty where none exists. lesions: (H, W) bool drawn by
    radiologists, where the image has them. progress: called between the parts of a test; what it raises ends the test.
    """

    classifier: Classifier
    image: XrayImage
    prediction: Prediction
    explanation: Explanation
    measured: Mapping[str, Any] = field(default_factory=dict)
    lesions: NDArray[np.bool_] | None = None
    seed: int = 0
    progress: Progress = silent

    @property
    def method(self) -> Method:
        """The method that made the heatmap."""
        return get_method(self.explanation.method)

    @property
    def target(self) -> Target:
        """What the heatmap explains."""
        found = self.explanation
        return resolve_target(found.target, found.classes, len(found.logits), self.prediction.head)

    @property
    def explained_class(self) -> str:
        """The class that the target is for; of a difference, the first."""
        return next(name for name, weight in self._class_weights() if weight > 0)

    @property
    def probability(self) -> float:
        """The calibrated probability of `explained_class`."""
        return self.prediction.probabilities[self.explained_class]

    @property
    def small_map(self) -> NDArray[np.float32]:
        """The heatmap at the size maps are compared at."""
        return comparable(self.explanation.heatmap, self.prediction.prepared.model_input.box)

    @property
    def known_of_method(self) -> Mapping[str, Any]:
        """The part of the audit record about this method."""
        return self.measured.get("methods", {}).get(self.explanation.method, {})

    def part(self, number: int, count: int) -> Progress:
        """The progress of part `number` (from 0) of `count` equal parts of the work."""
        return lambda share: self.progress((number + share) / count)

    def map_again(
        self, prediction: Prediction, classifier: ClassifierLike | None = None, progress: Progress = silent
    ) -> NDArray[np.float32]:
        """The heatmap for another prediction or another network, all settings kept, at the size maps are compared at."""
        again = explain(
            classifier or self.classifier,
            prediction,
            method=self.explanation.method,
            target=self.explanation.target,
            layer=self.explanation.layer if self.method.needs_layer else None,
            seed=self.explanation.seed,
            options=self.explanation.options,
            progress=progress,
        )
        return comparable(again.heatmap, prediction.prepared.model_input.box)

    def _class_weights(self) -> list[tuple[str, float]]:
        classes, weights = self.explanation.classes, self.target.weights
        if len(weights) == 1:  # one unit: the positive class is the unit, the negative one minus the unit
            weights = (-weights[0], weights[0])
        return list(zip(classes, weights, strict=True))
