"""Do other methods mark the same places?"""

from typing import Final

import numpy as np

from covid_model.audit.maps import comparable, rank_correlation, top_overlap
from covid_model.audit.score import TrustInput, TrustScore
from covid_model.explain.engine import explain

COMPARED: Final = ("gradcam", "gradcampp", "hirescam", "layercam", "scorecam", "inputxgradient")
"""Quick methods that answer the same question: what speaks for this class, and where."""


def agreement(inputs: TrustInput) -> TrustScore:
    """Rank correlation and overlap of the top tenth, this map against others of the same image and target."""
    maps = {inputs.explanation.method: np.maximum(inputs.small_map, 0)}
    for number, method in enumerate(COMPARED):
        if method not in maps:
            other = explain(inputs.classifier, inputs.prediction, method=method, target=inputs.explanation.target)
            maps[method] = np.maximum(comparable(other.heatmap, inputs.prediction.prepared.model_input.box), 0)
        inputs.progress((number + 1) / len(COMPARED))
    names = list(maps)
    rank = [[rank_correlation(maps[a], maps[b]) for b in names] for a in names]
    overlap = [[top_overlap(maps[a], maps[b]) for b in names] for a in names]
    value = float(np.mean(rank[0][1:]))
    least = min(range(1, len(names)), key=lambda k: rank[0][k])
    sentence = (
        f"Against {len(names) - 1} other methods the order of places agrees by {value:.2f} on average (1 is the same, 0 is "
        f"chance), least with {names[least]} ({rank[0][least]:.2f})."
    )
    details = {"methods": names, "rank": rank, "top_overlap": overlap}
    return TrustScore("agreement", value, 0.0, "higher", "informational", sentence, details)
