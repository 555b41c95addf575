"""The result of explaining one image: prediction, heatmap, verdict, and everything needed to reproduce it."""

import base64
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from covid_model.backends.base import Progress, silent
from covid_model.errors import ExplainError
from covid_model.explain.captions import LungShare, lung_share
from covid_model.explain.explanation import Explanation
from covid_model.explain.methods import get_method
from covid_model.explain.overlay import overlay_png
from covid_model.files import write_json
from covid_model.images.xray_image import XrayImage
from covid_model.models.predict import Prediction
from covid_model.trust.promises import Promises, promises
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TRUST_TESTS, run_tests
from covid_model.trust.verdict import RULE, Verdict, verdict, withheld

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class Result:
    """One heatmap of one image by one model. `Model.explain` makes it.

    inputs: the image, the prediction, the explanation, and the audit record of the model, as the trust tests need them.
    scores: trust scores by test, as far as they were run; `trust_scores` adds the others.

    Example:
        >>> from covid_model import load_model, sample_image
        >>> result = load_model("lungs").explain(sample_image("covid-19-0"), method="gradcam", target="COVID-19")
        >>> result.predicted
        'COVID-19'
        >>> result.heatmap.shape == result.image.shape
        True
    """

    inputs: TrustInput
    scores: dict[str, TrustScore] = field(default_factory=dict, repr=False)

    @property
    def image(self) -> XrayImage:
        """The image that was explained."""
        return self.inputs.image

    @property
    def prediction(self) -> Prediction:
        """Logits, probabilities, lungs, input check and warnings."""
        return self.inputs.prediction

    @property
    def explanation(self) -> Explanation:
        """The raw maps with method, target, layer, options, seed, digests and versions."""
        return self.inputs.explanation

    @property
    def probabilities(self) -> dict[str, float]:
        """Class name -> calibrated probability."""
        return dict(self.prediction.probabilities)

    @property
    def predicted(self) -> str:
        """The class of highest probability."""
        return self.prediction.predicted

    @property
    def heatmap(self) -> NDArray[np.float32]:
        """(H, W) float32 at image size, raw and unscaled, 0 where the model saw nothing; signed where the method is."""
        return self.explanation.heatmap

    @cached_property
    def lung_share(self) -> LungShare | None:
        """How much of the heatmap is inside the lungs, of the part that the model saw (`explain.captions.lung_share`)."""
        prepared = self.prediction.prepared
        return lung_share(self.heatmap, prepared.lungs.mask, prepared.model_input.seen)

    @cached_property
    def promises(self) -> Promises:
        """The 90% label set of the image and the region of the heatmap that keeps the class, or why they are not promised.

        Example:
            >>> from covid_model import load_model, sample_image
            >>> result = load_model("lungs").explain(sample_image("covid-19-0"), target="Normal")
            >>> result.promises.region.sentence
            "A region is promised for the predicted class with the method's default layer and settings only."
        """
        return promises(self.inputs)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences to keep in mind: how the image was read, why the input check refused it, doubts about the lungs."""
        return self.prediction.warnings

    def trust_scores(self, progress: Progress = silent) -> list[TrustScore]:
        """Run every trust test that was not run yet; returns all scores in the table's order.

        progress: called with the share done, in [0, 1], within tests as well; what it raises cancels, and finished tests
        are kept.
        """
        for score in run_tests(replace(self.inputs, progress=progress), self.scores):
            self.scores[score.key] = score
        return [self.scores[key] for key in TRUST_TESTS]

    def verdict(self, progress: Progress = silent) -> Verdict:
        """Whether to believe this heatmap: "supported", "not supported" or "withheld", and why (`trust.verdict.RULE`).

        Runs the trust tests on the first call, which takes seconds, unless the verdict is withheld from the start.

        Example:
            >>> from covid_model import load_model, sample_image
            >>> load_model("lungs").explain(sample_image("normal-1"), target="COVID-19").verdict().word
            'withheld'
        """
        scores = [] if withheld(self.inputs) is not None else self.trust_scores(progress)
        return verdict(self.inputs, scores)

    def record(self) -> dict[str, Any]:
        """Everything but the maps as JSON values: promises; verdict and scores where the tests were run.

        It has no file name, since the name of an upload may name a person.
        """
        check, lungs = self.prediction.input_check, self.prediction.prepared.lungs
        record: dict[str, Any] = {
            "explanation": self.explanation.record(),
            "predicted": self.predicted,
            "head": self.prediction.head,
            "called": list(self.prediction.called),
            "below_mark": self.prediction.below_mark,
            "input_check": asdict(check) if check else None,
            "lungs": {"quality": lungs.quality, "area": lungs.area},
            "warnings": list(self.warnings),
            "promises": self.promises.record(),
        }
        if self.scores or withheld(self.inputs):
            scores = list(self.scores.values())
            found = asdict(verdict(self.inputs, scores))
            record["trust"] = {"verdict": found, "rule": RULE, "scores": [asdict(score) for score in scores]}
        return record

    def record_json(self) -> str:
        """`record` as JSON text."""
        return json.dumps(self.record(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def overlay(self, *, opacity: float = 0.6, colormap: str = "inferno") -> bytes:
        """The image at full size under the heatmap, as the bytes of a PNG file."""
        return overlay_png(self.image, self.explanation, opacity=opacity, colormap=colormap)

    def save(self, folder: str | Path, stem: str | None = None) -> Path:
        """Write `<stem>.png` (overlay), `<stem>.npy` and `<stem>.layer.npy` (raw maps), `<stem>.json` (record) to `folder`.

        Where the trust tests were run, `<stem>.trust.json` holds scores and verdict. stem: by default image and method.
        Returns the record's path; `Explanation.load` reads it back. Raises ExplainError where nothing can be written.
        """
        folder = Path(folder)
        stem = stem or f"{self.explanation.image_digest[:8]}.{self.explanation.method}"
        try:
            path = self.explanation.save(folder, stem)
            (folder / f"{stem}.png").write_bytes(self.overlay())
            if self.scores or withheld(self.inputs):
                write_json(folder / f"{stem}.trust.json", self.record())
        except OSError as error:
            why = "it is a file; name a folder" if folder.is_file() else error.strerror
            raise ExplainError(f"The result cannot be written to {folder}: {why}.") from error
        return path

    def show(self) -> "Image":
        """The overlay as a Pillow image, which notebooks display."""
        from io import BytesIO

        from PIL import Image

        return Image.open(BytesIO(self.overlay()))

    def _repr_html_(self) -> str:
        method = get_method(self.explanation.method)
        shares = ", ".join(f"{escape(name)} {value:.1%}" for name, value in self.probabilities.items())
        picture = base64.b64encode(self.overlay()).decode()
        caption = f"{escape(method.label)} for {escape(self.explanation.target)}; {shares}. Research only, not a diagnosis."
        return (
            f"<figure><img width='448' alt='{caption}' src='data:image/png;base64,{picture}'>"
            f"<figcaption>{caption}</figcaption></figure>"
        )
