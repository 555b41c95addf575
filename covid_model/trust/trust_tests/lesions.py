"""Does a heatmap point at what radiologists outlined?"""

from covid_model.trust.baseline_maps import BASELINE_MAPS
from covid_model.trust.figures import Bars, Figure
from covid_model.trust.localisation import lesion_scores
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register


@register
class Lesions(TrustTest):
    """The pointing game and the share of the heatmap on outlined lesions, for images that have such outlines."""

    key = "lesions"
    question = "Does it point at what radiologists outlined?"
    how = (
        "For images on which radiologists outlined ground glass and consolidation: pointing game, share of the heatmap "
        "there and precision, against baseline maps. It tests the model as much as the heatmap, so it does not decide."
    )
    paper = "Zhang 2018, arXiv 1608.00507"
    cost = 0.1

    def run(self, inputs: TrustInput) -> TrustScore:
        if inputs.lesions is None or not inputs.lesions.any():
            inputs.progress(1.0)
            return self.score(None, "No radiologist outlined lesions on this image.")
        found = lesion_scores(inputs.explanation.heatmap, inputs.lesions)
        inputs.progress(1 / (1 + len(BASELINE_MAPS)))
        lungs = inputs.prediction.prepared.lungs.mask
        baseline_maps: dict[str, dict[str, float]] = {}
        for name, draw in BASELINE_MAPS.items():
            baseline_maps[name] = lesion_scores(draw(inputs.image.pixels, lungs), inputs.lesions)
            inputs.progress((1 + len(baseline_maps)) / (1 + len(BASELINE_MAPS)))
        best = max(scores["energy"] for scores in baseline_maps.values())
        pointed = "points at" if found["hit"] >= 0.5 else "misses"
        sentence = (
            f"Its highest value {pointed} what radiologists outlined as ground glass or consolidation: "
            f"{found['energy']:.0%} of the heatmap is there, and {best:.0%} of the best baseline map."
        )
        details = {**found, "baseline_maps": baseline_maps}
        return self.score(found["energy"], sentence, chance=best, passed=found["hit"] >= 0.5, details=details)

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        others = {name: scores["energy"] for name, scores in score.details["baseline_maps"].items()}
        return (Bars({"this heatmap": score.details["energy"], **others}, "this heatmap"),)
