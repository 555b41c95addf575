"""From an image to calibrated probabilities: the one path of the command line, the app and notebooks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import EMBEDDING, LOGITS, Array
from covid_model.errors import ModelError
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import InputCheckResult
from covid_model.lungs.segment import LungMask
from covid_model.models.calibration import CALLED, CARD_POINT, Head
from covid_model.models.classifier import Classifier, Prepared


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of one model for one image.

    logits: (units,) float32. probabilities: class name -> calibrated probability; they sum to 1 unless `head` is multilabel.
    warnings: sentences to keep in mind, from reading the image, the input check and the lung mask. seconds: for finding the
    lungs and the forward pass together. input_check: its result for the image, where it was run. marks: class -> its mark,
    the threshold of 95% specificity, of a calibrated model. outputs: of the same forward pass, by name as in `Backend.run`:
    logits, embedding and the first explanation layer, so that heatmaps and promises need no pass of their own.
    """

    model: str
    weights_digest: str
    image_digest: str
    logits: NDArray[np.float32]
    probabilities: dict[str, float]
    prepared: Prepared
    warnings: tuple[str, ...]
    seconds: float
    input_check: InputCheckResult | None = None
    head: Head = "multiclass"
    marks: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, Array] = field(default_factory=dict)

    @property
    def predicted(self) -> str:
        """The class of highest probability."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def called(self) -> tuple[str, ...]:
        """The predicted class; of a multilabel model every class from CALLED on, the likeliest first."""
        if self.head == "multiclass":
            return (self.predicted,)
        likeliest = sorted(self.probabilities, key=self.probabilities.__getitem__, reverse=True)
        return tuple(name for name in likeliest if self.probabilities[name] >= CALLED)

    @property
    def called_text(self) -> str:
        """The called classes as text."""
        return ", ".join(self.called) or "none of its classes"

    @property
    def below_mark(self) -> bool:
        """Is the predicted class the most likely one, and yet below its mark? Never of a multilabel model."""
        return self.head == "multiclass" and self.probabilities[self.predicted] < self.marks.get(self.predicted, 0.0)

    @property
    def mark_note(self) -> str:
        """What to say beside a predicted class that is below its mark; "" for any other."""
        if not self.below_mark:
            return ""
        mark = self.marks[self.predicted]
        return f"the most likely class, but below its mark of {mark:.0%}, the threshold of 95% specificity"


def predict(
    classifier: Classifier, image: XrayImage, lungs: LungMask | None = None, input_check: InputCheckResult | None = None
) -> Prediction:
    """Predict one image with one model. lungs: an outline found before, as for altered copies of an image.

    input_check: its result for the image; a refused image is predicted too, with the reason as a warning.
    """
    start = time.perf_counter()
    prepared = classifier.prepare(image, lungs)
    outputs = classifier.forward.run(prepared.batch, (LOGITS, EMBEDDING, *classifier.card.explanation_layers[:1]))
    logits = outputs[LOGITS]
    probabilities = classifier.probabilities(logits)[0]
    if not np.isfinite(probabilities).all():
        raise ModelError(f"Model {classifier.key!r} answers this image with numbers that are not finite; do not use it.")
    named = {name: float(value) for name, value in zip(classifier.card.classes, probabilities, strict=True)}
    return Prediction(
        model=classifier.key,
        weights_digest=classifier.weights_digest,
        image_digest=image.digest,
        logits=logits[0],
        probabilities=named,
        prepared=prepared,
        warnings=(
            *image.notes,
            *([input_check.reason] if input_check and not input_check.accepted else []),
            *prepared.lungs.reasons,
        ),
        seconds=time.perf_counter() - start,
        input_check=input_check,
        head=classifier.card.head,
        marks={name: of[CARD_POINT] for name, of in classifier.card.thresholds.items() if CARD_POINT in of},
        outputs=outputs,
    )
