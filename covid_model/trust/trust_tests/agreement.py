"""Do other methods mark the same places?"""

from typing import Final

import numpy as np

from covid_model.explain.engine import explain
from covid_model.explain.methods import get_method
from covid_model.trust.figures import Figure, Matrix
from covid_model.trust.maps import comparable, rank_correlation, top_overlap
from covid_model.trust.score import TrustInput, TrustScore
from covid_model.trust.trust_tests import TrustTest, register

COMPARED: Final = ("gradcam", "gradcampp", "hirescam", "layercam", "scorecam", "inputxgradient")
"""Fast methods that also show what raised the score of one class, and where."""
PLACES: Final = ((0.7, "much the same places"), (0.3, "partly the same places"), (-1.0, "other places"))
"""From which mean rank correlation on the places count as the same, for the sentence only."""


@register
class Agreement(TrustTest):
    """Rank correlation and overlap of the highest tenth with other methods, for the same image and target."""

    key = "agreement"
    question = "Do other methods agree?"
    how = (
        "Rank correlation and overlap of the highest tenth with other methods. Chance is 0; methods may differ for good "
        "reasons, so this informs and does not decide."
    )
    paper = "Krishna 2022, arXiv 2202.01602"
    cost = 0.6

    def run(self, inputs: TrustInput) -> TrustScore:
        maps = {inputs.explanation.method: np.maximum(inputs.small_map, 0)}
        box = inputs.prediction.prepared.model_input.box
        for number, method in enumerate(COMPARED):
            if method not in maps:
                other = explain(
                    inputs.classifier,
                    inputs.prediction,
                    method=method,
                    target=inputs.explanation.target,
                    progress=inputs.part(number, len(COMPARED)),
                )
                maps[method] = np.maximum(comparable(other.heatmap, box), 0)
            inputs.progress((number + 1) / len(COMPARED))
        names = list(maps)
        rank = [[rank_correlation(maps[a], maps[b]) for b in names] for a in names]
        overlap = [[top_overlap(maps[a], maps[b]) for b in names] for a in names]
        value = float(np.mean(rank[0][1:]))
        least = min(range(1, len(names)), key=lambda k: rank[0][k])
        places = next(words for line, words in PLACES if value >= line)
        sentence = (
            f"Other methods mark {places}: the rank correlation with {len(names) - 1} of them is {value:.2f} on average "
            f"(1 is identical, 0 is chance); {get_method(names[least]).label} agrees least ({rank[0][least]:.2f})."
        )
        return self.score(value, sentence, chance=0.0, details={"methods": names, "rank": rank, "top_overlap": overlap})

    def figures(self, inputs: TrustInput, score: TrustScore) -> tuple[Figure, ...]:
        found = score.details
        labels = [get_method(name).label for name in found["methods"]]
        return (Matrix(labels, "rank correlation", found["rank"], {"top tenth overlap": found["top_overlap"]}),)
