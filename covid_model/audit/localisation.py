"""Where a heatmap lies: in the lungs, and on what radiologists outlined."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from covid_model.audit.dummies import DUMMIES
from covid_model.audit.score import Case, TrustScore, outcome
from covid_model.explain.mass import mass_inside

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

TOLERANCE: Final = 0.03
"""A maximum this near a lesion counts as a hit: 15 pixels on a film of 500, as in the pointing game's first paper."""


def hits(film_map: Array, mask: Mask) -> float:
    """Pointing game (Zhang 2018, arXiv 1608.00507, sec. 4.2): share of the map's maxima within TOLERANCE of the mask.

    0 or 1 for a map with one maximum; a map that is flat at its top is judged as if one of its cells were drawn.
    """
    radius = round(TOLERANCE * max(mask.shape))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    near = cv2.dilate(mask.astype(np.uint8), disc).astype(bool)
    return float(near[film_map == film_map.max()].mean())


def precision(film_map: Array, mask: Mask) -> float:
    """Area under the precision-recall curve of the map's cells against the mask; chance is the mask's share of the film.

    At a quarter of the film's resolution, which heatmaps do not reach.
    """
    size = (max(1, mask.shape[1] // 4), max(1, mask.shape[0] // 4))
    truth = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    if not truth.any():
        return float("nan")
    return float(average_precision_score(truth.ravel(), cv2.resize(film_map, size, interpolation=cv2.INTER_AREA).ravel()))


def attention_in_lungs(case: Case) -> TrustScore:
    """How much of the heatmap lies inside the lungs, beside what maps that know nothing get."""
    lungs, film_map = case.answer.prepared.lungs.mask, case.explanation.film_map
    share = mass_inside(film_map, lungs)
    if not lungs.any() or np.isnan(share):
        why = "no lungs were found" if not lungs.any() else "nothing speaks for the class"
        return TrustScore("attention", None, None, "higher", "unclear", f"The heatmap cannot be placed: {why}.")
    seen = case.answer.prepared.model_input.seen
    of_film, of_seen = float(lungs.mean()), float((lungs & seen).sum() / seen.sum())
    dummies = {name: mass_inside(draw(case.film.pixels, lungs), lungs) for name, draw in DUMMIES.items()}
    line = max(of_seen, dummies["centre Gaussian"])
    sentence = (
        f"{share:.0%} of the heatmap lies inside the lungs; spread evenly over the film it would be {of_film:.0%}, over "
        f"what the model saw {of_seen:.0%}, and a bell over the film's middle gets {dummies['centre Gaussian']:.0%}."
    )
    details = {"of_film": of_film, "of_seen": of_seen, "dummies": dummies, "line": line}
    return TrustScore("attention", share, of_film, "higher", outcome(share > line), sentence, details)


def lesions_pointed_at(case: Case) -> TrustScore:
    """Does the heatmap point at what radiologists outlined? For films that have such outlines."""
    if case.lesions is None or not case.lesions.any():
        return TrustScore("lesions", None, None, "higher", "told", "No radiologist outlined lesions on this film.")
    found = lesion_scores(case.explanation.film_map, case.lesions)
    lungs = case.answer.prepared.lungs.mask
    dummies = {name: lesion_scores(draw(case.film.pixels, lungs), case.lesions) for name, draw in DUMMIES.items()}
    best = max(scores["mass"] for scores in dummies.values())
    pointed = "points at" if found["hit"] >= 0.5 else "misses"
    sentence = (
        f"Its highest value {pointed} what radiologists outlined as ground glass or consolidation; {found['mass']:.0%} of "
        f"it lies there, and the best map that knows nothing puts {best:.0%} there."
    )
    details = {**found, "dummies": dummies}
    passed = found["hit"] >= 0.5 and found["mass"] > best
    return TrustScore("lesions", found["mass"], best, "higher", outcome(passed), sentence, details)


def lesion_scores(film_map: Array, lesions: Mask) -> dict[str, float]:
    """Pointing game ("hit"), mass inside ("mass") and area under precision-recall ("auprc") of one map, one film."""
    return {
        "hit": hits(film_map, lesions),
        "mass": mass_inside(film_map, lesions),
        "auprc": precision(film_map, lesions),
    }
