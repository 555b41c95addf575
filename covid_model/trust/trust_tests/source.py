"""Do the model's features reveal which data source an image comes from?"""

from typing import Final

from covid_model.trust.figures import Bars, Figure
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.source_probe import embedding, load_probe
from covid_model.trust.trust_tests import TrustTest, register

RECOGNISED: Final = 0.9
"""Above this probability a source counts as recognised."""


@register
class SourceRecognition(TrustTest):
    """The probability of each source, by a small classifier on the model's embedding."""

    key = "source"
    question = "Does the model know the hospital?"
    how = (
        "A small classifier on the model's features names the data source. Chance is one in the number of sources; this "
        "informs and does not decide."
    )
    paper = "Maguolo & Nanni 2021, arXiv 2004.12823"
    better = "lower"
    qualifies = True
    cost = 0.05

    def run(self, inputs: TrustInput) -> TrustScore:
        probe = load_probe(inputs.explanation.model, inputs.explanation.model_digest)
        inputs.progress(0.5)
        if probe is None:
            return self.score(None, "This model has no source classifier.")
        features = embedding(inputs.classifier.forward, inputs.prediction.prepared.batch)
        inputs.progress(1.0)
        found = {name: float(p) for name, p in zip(probe.sources, probe.probabilities(features)[0], strict=True)}
        likely = max(found, key=found.__getitem__)
        chance = 1 / len(probe.sources)
        accuracy = float(probe.balanced_accuracy["value"])
        recognised = found[likely] > RECOGNISED
        finding = "give the data source away" if recognised else "leave a doubt about the data source"
        sentence = (
            f"The model's features {finding}: they assign this image to {likely} ({found[likely]:.0%}). On test images they "
            f"name the right one of {len(found)} sources with a balanced accuracy of {accuracy:.0%}, where chance is "
            f"{chance:.0%}."
        )
        caveat = "But the model's features give the data source away, and not every trace of a source can be edited out."
        details = {"probabilities": found, "balanced_accuracy": probe.balanced_accuracy}
        return self.score(
            found[likely],
            sentence,
            chance=chance,
            passed=not recognised,
            details=details,
            caveat=caveat if recognised else "",
        )

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        return (Bars(score.details["probabilities"], line=score.chance),)
