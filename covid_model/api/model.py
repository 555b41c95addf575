"""A model that checks an image, finds the lungs, predicts and explains in one call."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covid_model.api.result import Result
from covid_model.backends.base import Progress, silent
from covid_model.explain.engine import explain
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.explain.options import Setting
from covid_model.images.xray_image import XrayImage
from covid_model.input_check.check import InputCheckResult, check_image, require_frontal
from covid_model.models.card import Card
from covid_model.models.classifier import Classifier
from covid_model.models.predict import Prediction, predict
from covid_model.threads import in_order
from covid_model.trust.audit_record import load_audit_record
from covid_model.trust.score import TrustInput


@dataclass(frozen=True, eq=False)
class Model:
    """A classifier with its input check, lung network and audit record. `load_model` makes it; threads may share it.

    Example:
        >>> from covid_model import load_model
        >>> load_model("lungs").classes
        ('COVID-19', 'Pneumonia', 'Normal')
    """

    classifier: Classifier

    @property
    def key(self) -> str:
        """Its name on the command line and in links."""
        return self.classifier.key

    @property
    def card(self) -> Card:
        """How it was trained, what it scores, and its limits."""
        return self.classifier.card

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the logits; of a one-unit model (negative, positive)."""
        return self.card.classes

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that heatmaps may be taken at, the default first."""
        return self.card.explanation_layers

    @cached_property
    def audit_record(self) -> Mapping[str, Any]:
        """The record of `python -m covid_model audit`; empty where there is none for these weights."""
        return load_audit_record(self.key, self.classifier.weights_digest)

    def check(self, image: XrayImage) -> InputCheckResult:
        """Is this a frontal chest X-ray, and if not, what does it look like?"""
        return check_image(image, self.classifier.segmenter.run(image.pixels))

    def predict(self, image: XrayImage, *, force: bool = False) -> Prediction:
        """Check the image, find the lungs, predict.

        force: predict for images that the input check refuses as well; the reason is then one of the warnings.
        Raises ImageError, with that reason, for a refused image otherwise.

        Example:
            >>> from covid_model import load_model, sample_image
            >>> prediction = load_model("lungs").predict(sample_image("covid-19-0"))
            >>> round(sum(prediction.probabilities.values()), 6)
            1.0
        """
        outputs = self.classifier.segmenter.run(image.pixels)
        checked = require_frontal(image, outputs, force=force)
        return predict(self.classifier, image, outputs.lungs, checked)

    def predict_altered(self, image: XrayImage, original: Prediction) -> Prediction:
        """Predict for an altered copy of an image, with lungs and input check of the original.

        The lung outline stays where it was found, so that only what the classifier sees changes.
        """
        return predict(self.classifier, image, original.prepared.lungs, original.input_check)

    def explain(
        self,
        image: XrayImage,
        method: str = DEFAULT_METHOD,
        target: str | int | None = None,
        *,
        layer: str | None = None,
        seed: int = 0,
        force: bool = False,
        prediction: Prediction | None = None,
        lesions: NDArray[np.bool_] | None = None,
        options: Mapping[str, Setting] | None = None,
        progress: Progress = silent,
    ) -> Result:
        """Check, predict and explain one image.

        method: a key of METHODS. target: a class by name or index, or "A - B"; by default the predicted class. layer: by
        default the first of `layers`. force: as for `predict`. prediction: of this image by this model, to make it once for
        several heatmaps. lesions: (H, W) bool, what radiologists outlined. options: settings of the method.
        progress: called with the share done; what it raises cancels.
        Raises ImageError for a refused image, ExplainError for an unknown method, target, layer or option.
        """
        prediction = prediction or self.predict(image, force=force)
        found = explain(
            self.classifier,
            prediction,
            method=method,
            target=target,
            layer=layer,
            seed=seed,
            options=options,
            progress=progress,
        )
        return Result(TrustInput(self.classifier, image, prediction, found, self.audit_record, lesions, seed))

    def explain_batch(
        self, images: Iterable[XrayImage], method: str = DEFAULT_METHOD, target: str | int | None = None, **settings: Any
    ) -> Iterator[Result]:
        """`explain` for each image, in order, made as they are asked for; the same results in less time.

        A few images are in flight at once, `threads.IN_FLIGHT` at most, so `images` may be endless or larger than memory.
        settings: as for `explain`. Raises what `explain` raises, in the place of that image's result; then no more come.

        Example:
            >>> from covid_model import load_model, sample_image
            >>> images = map(sample_image, ("covid-19-0", "normal-1"))
            >>> [result.predicted for result in load_model("lungs").explain_batch(images)]
            ['COVID-19', 'Normal']
        """

        def work(image: XrayImage, progress: Progress) -> Result:
            return self.explain(image, method, target, **{"progress": progress, **settings})

        return in_order(work, images)
