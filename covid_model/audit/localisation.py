"""Where a heatmap lies: in the lungs, and on what radiologists outlined."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from covid_model.audit.baseline_maps import BASELINE_MAPS
from covid_model.audit.score import TrustInput, TrustScore, outcome
from covid_model.explain.energy import energy_in_mask

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

TOLERANCE: Final = 0.03
"""A maximum this near a lesion counts as a hit: 15 pixels on an image of 500, as in the pointing game's first paper."""


def hits(heatmap: Array, mask: Mask) -> float:
    """Pointing game (Zhang 2018, arXiv 1608.00507, sec. 4.2): share of the map's maxima within TOLERANCE of the mask.

    0 or 1 for a map with one maximum; a map that is flat at its top is judged as if one of its cells were drawn.
    """
    radius = round(TOLERANCE * max(mask.shape))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    near = cv2.dilate(mask.astype(np.uint8), disc).astype(bool)
    return float(near[heatmap == heatmap.max()].mean())


def precision(heatmap: Array, mask: Mask) -> float:
    """Area under the precision-recall curve of the map's cells against the mask; chance is the mask's share of the image.

    At a quarter of the image's resolution, which heatmaps do not reach.
    """
    size = (max(1, mask.shape[1] // 4), max(1, mask.shape[0] // 4))
    truth = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    if not truth.any():
        return float("nan")
    return float(average_precision_score(truth.ravel(), cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA).ravel()))


def attention_in_lungs(inputs: TrustInput) -> TrustScore:
    """How much of the heatmap lies inside the lungs, beside what maps that know nothing get."""
    lungs, heatmap = inputs.prediction.prepared.lungs.mask, inputs.explanation.heatmap
    share = energy_in_mask(heatmap, lungs)
    if not lungs.any() or np.isnan(share):
        why = "no lungs were found" if not lungs.any() else "nothing speaks for the class"
        return TrustScore("attention", None, None, "higher", "unclear", f"The heatmap cannot be placed: {why}.")
    seen = inputs.prediction.prepared.model_input.seen
    of_image, of_seen = float(lungs.mean()), float((lungs & seen).sum() / seen.sum())
    baseline_maps = {name: energy_in_mask(draw(inputs.image.pixels, lungs), lungs) for name, draw in BASELINE_MAPS.items()}
    line = max(of_seen, baseline_maps["centre Gaussian"])
    sentence = (
        f"{share:.0%} of the heatmap lies inside the lungs; spread evenly over the image it would be {of_image:.0%}, over "
        f"what the model saw {of_seen:.0%}, and a bell over the image's middle gets {baseline_maps['centre Gaussian']:.0%}."
    )
    details = {"of_image": of_image, "of_seen": of_seen, "baseline_maps": baseline_maps, "line": line}
    return TrustScore("attention", share, of_image, "higher", outcome(share > line), sentence, details)


def lesions_pointed_at(inputs: TrustInput) -> TrustScore:
    """Does the heatmap point at what radiologists outlined? For images that have such outlines."""
    if inputs.lesions is None or not inputs.lesions.any():
        return TrustScore("lesions", None, None, "higher", "informational", "No radiologist outlined lesions on this image.")
    found = lesion_scores(inputs.explanation.heatmap, inputs.lesions)
    lungs = inputs.prediction.prepared.lungs.mask
    baseline_maps = {
        name: lesion_scores(draw(inputs.image.pixels, lungs), inputs.lesions) for name, draw in BASELINE_MAPS.items()
    }
    best = max(scores["energy"] for scores in baseline_maps.values())
    pointed = "points at" if found["hit"] >= 0.5 else "misses"
    sentence = (
        f"Its highest value {pointed} what radiologists outlined as ground glass or consolidation; {found['energy']:.0%} of "
        f"it lies there, and the best map that knows nothing puts {best:.0%} there."
    )
    details = {**found, "baseline_maps": baseline_maps}
    passed = found["hit"] >= 0.5 and found["energy"] > best
    return TrustScore("lesions", found["energy"], best, "higher", outcome(passed), sentence, details)


def lesion_scores(heatmap: Array, lesions: Mask) -> dict[str, float]:
    """Pointing game ("hit"), mass inside ("mass") and area under precision-recall ("auprc") of one map, one image."""
    return {
        "hit": hits(heatmap, lesions),
        "energy": energy_in_mask(heatmap, lesions),
        "auprc": precision(heatmap, lesions),
    }
