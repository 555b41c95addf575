"""Where a heatmap is: inside the lungs, or beside them?"""

import numpy as np

from covid_model.explain.energy import energy_in_mask
from covid_model.trust.baseline_maps import BASELINE_MAPS
from covid_model.trust.figures import Bars, Figure
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register


@register
class Attention(TrustTest):
    """How much of the heatmap is inside the lungs, beside what maps that look at no model get."""

    key = "attention"
    question = "Is it in the lungs?"
    how = (
        "Share of the heatmap's positive sum inside the lung outline. It must beat an even spread over what the model saw "
        "and a bell over the middle of the image."
    )
    paper = "López-Cabrera 2021, doi 10.1007/s12553-021-00609-8"
    decides = True
    cost = 0.1

    def run(self, inputs: TrustInput) -> TrustScore:
        lungs, heatmap = inputs.prediction.prepared.lungs.mask, inputs.explanation.heatmap
        share = energy_in_mask(heatmap, lungs)
        inputs.progress(1 / (1 + len(BASELINE_MAPS)))
        if not lungs.any() or np.isnan(share):
            why = "no lungs were found" if not lungs.any() else "nothing speaks for the class"
            return self.score(None, f"The heatmap cannot be placed: {why}.")
        seen = inputs.prediction.prepared.model_input.seen
        of_image, of_seen = float(lungs.mean()), float((lungs & seen).sum() / seen.sum())
        baseline_maps: dict[str, float] = {}
        for name, draw in BASELINE_MAPS.items():
            baseline_maps[name] = energy_in_mask(draw(inputs.image.pixels, lungs), lungs)
            inputs.progress((1 + len(baseline_maps)) / (1 + len(BASELINE_MAPS)))
        bell = baseline_maps["centre Gaussian"]
        line = max(of_seen, bell)
        sentence = (
            f"{share:.0%} of the heatmap lies inside the lungs; spread evenly over the image it would be {of_image:.0%}, "
            f"over what the model saw {of_seen:.0%}, and a bell over the image's middle gets {bell:.0%}."
        )
        details = {"of_image": of_image, "of_seen": of_seen, "baseline_maps": baseline_maps, "line": line}
        return self.score(share, sentence, chance=of_image, passed=share > line, details=details)

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        found = score.details
        spread = {"even over the image": found["of_image"], "even over what it saw": found["of_seen"]}
        values = {"this heatmap": score.value or 0.0, **spread, **found["baseline_maps"]}
        return (Bars(values, "this heatmap", found["line"]),)
