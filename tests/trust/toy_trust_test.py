"""A trust test as anybody may add one: this file is all of it. Registered only while its own test runs."""

from covid_model.trust.figures import Bars, Figure
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register


@register
class Peak(TrustTest):
    key = "peak"
    question = "Is its highest value in the lungs?"
    how = "The lungs must hold the highest value of the heatmap. Chance is their share of the image."
    paper = "nobody 2026"

    def run(self, inputs: TrustInput) -> TrustScore:
        lungs, heatmap = inputs.prediction.prepared.lungs.mask, inputs.explanation.heatmap
        inputs.progress(1.0)
        share = float(lungs[heatmap == heatmap.max()].mean())
        return self.score(
            share, f"{share:.0%} of its maxima are in the lungs.", chance=lungs.mean(), details={"share": share}
        )

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        return (Bars({"maxima in the lungs": score.details["share"]}, line=score.chance),)
