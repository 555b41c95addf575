"""Is a heatmap inside the lungs or outside them?"""

import numpy as np

from covid_model.explain.energy import energy_in_mask
from covid_model.trust.baseline_maps import BASELINE_MAPS
from covid_model.trust.figures import Bars, Figure
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register


@register
class Attention(TrustTest):
    """The share of the heatmap inside the lungs, against an even spread and a blob in the middle of the image.

    It informs and does not decide: in the trust benchmark it told neither models with a shortcut from others nor planted
    maps from real ones, on either half (docs/trust-benchmark.md).
    """

    key = "attention"
    question = "Is it in the lungs?"
    how = (
        "The share of the heatmap's positive sum inside the lung outline. It must exceed that of an even spread over what "
        "the model saw and that of a blob in the middle of the image."
    )
    paper = "López-Cabrera 2021, doi 10.1007/s12553-021-00609-8"
    cost = 0.1

    def run(self, inputs: TrustInput) -> TrustScore:
        lungs, heatmap = inputs.prediction.prepared.lungs.mask, inputs.explanation.heatmap
        share = energy_in_mask(heatmap, lungs)
        inputs.progress(1 / (1 + len(BASELINE_MAPS)))
        if not lungs.any() or np.isnan(share):
            why = "no lungs were found" if not lungs.any() else "it has no positive values"
            return self.score(None, f"It cannot be compared with the lungs: {why}.")
        seen = inputs.prediction.prepared.model_input.seen
        of_image, of_seen = float(lungs.mean()), float((lungs & seen).sum() / seen.sum())
        baseline_maps: dict[str, float] = {}
        for name, draw in BASELINE_MAPS.items():
            baseline_maps[name] = energy_in_mask(draw(inputs.image.pixels, lungs), lungs)
            inputs.progress((1 + len(baseline_maps)) / (1 + len(BASELINE_MAPS)))
        blob = baseline_maps["centre Gaussian"]
        line = max(of_seen, blob)
        passed = share > line
        reference = "a blob in the middle of the image" if blob >= of_seen else "an even spread over what the model saw"
        sentence = (
            f"{'More' if passed else 'No more'} in the lungs than {reference} would be: {share:.0%} of the heatmap against "
            f"{line:.0%} (even over the image {of_image:.0%}, even over what the model saw {of_seen:.0%}, blob {blob:.0%})."
        )
        details = {"of_image": of_image, "of_seen": of_seen, "baseline_maps": baseline_maps, "line": line}
        return self.score(share, sentence, chance=of_image, passed=passed, details=details)

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        found = score.details
        spread = {"even over the image": found["of_image"], "even over what it saw": found["of_seen"]}
        values = {"this heatmap": score.value or 0.0, **spread, **found["baseline_maps"]}
        return (Bars(values, "this heatmap", found["line"]),)
