"""What radiologists say of a model's heatmaps, from the results file of `referees`: for pages and docs."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.settings import WEIGHTS
from covid_model.trust.benchmark import map_label

FILE: Final = WEIGHTS / "referees.json"
BASELINES: Final = "baseline"
"""The "model" of maps that need none."""
TITLES: Final = {"boxes": "RSNA boxes", "outlines": "outlines of ground glass and consolidation", "zones": "Brixia zones"}
"""Referee -> what the radiologists drew or scored."""
SCORES: Final = {"auprc": "AUPRC", "senior": "rank correlation"}
"""The scores whose differences are tested."""
JUNIOR: Final = "a junior radiologist"
UNSURE: Final = 0.05
"""From this p-value on, after Holm's correction, a map is neither better nor worse than a baseline."""
PUBLISHED: Final = (
    "As published: on boxes of pneumonia, eight methods reach an AUPRC of 0.160 to 0.519 and a detector 0.596 (Arun 2021, "
    "doi 10.1148/ryai.2021200267); Grad-CAM was the best of seven methods and worse than radiologists on five of ten "
    "findings (Saporta 2022, doi 10.1038/s42256-022-00536-x)."
)

Results = Mapping[str, Any]
Cells = Mapping[str, Any]


@cache
def referee_results() -> Results:
    """The results file; empty where this copy of the project has none."""
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def maps_of(model: str, digest: str, results: Results) -> dict[str, dict[str, Cells]]:
    """Referee -> map -> its score on test images with the interval: the model's, the best map that needs no model, and where
    two radiologists scored, the junior against the senior. Empty for a model that was not measured with these weights.
    """
    if results.get("weights_sha256", {}).get(model) != digest:
        return {}
    found = {}
    for referee, cells in results["splits"]["test"].items():
        score, best = results["primary"][referee], cells.get("best_baseline")
        shown = {
            map_label(one["method"]): one["scores"][score]
            for one in cells["maps"]
            if one["model"] == model or (one["model"], one["method"]) == (BASELINES, best)
        }
        agreement = cells.get("junior against senior")
        found[referee] = {**shown, **({JUNIOR: agreement} if agreement else {})}
    return found


def pointing_of(model: str, digest: str, results: Results) -> dict[str, Cells]:
    """Referee -> how often the default method's highest value is on radiologists' marks, on test images, with the interval.
    Empty as `maps_of`.
    """
    if results.get("weights_sha256", {}).get(model) != digest:
        return {}
    return {
        referee: one["scores"]["hit"]
        for referee, cells in results["splits"]["test"].items()
        for one in cells["maps"]
        if (one["model"], one["method"]) == (model, DEFAULT_METHOD) and "hit" in one["scores"]
    }


def findings(model: str, results: Results) -> list[str]:
    """For each referee one sentence: how many of a model's maps agree with radiologists better than the best baseline."""
    lines = []
    for referee, cells in results["splits"]["test"].items():
        gaps = [one["to_baseline"] for one in cells["maps"] if one["model"] == model and "p_holm" in one["to_baseline"]]
        if not gaps:
            continue
        sure = [gap["value"] for gap in gaps if gap["p_holm"] < UNSURE]
        better, worse = sum(value > 0 for value in sure), sum(value < 0 for value in sure)
        title = TITLES[referee][0].upper() + TITLES[referee][1:]
        lines.append(
            f"{title}, {cells['images']} test images: of {len(gaps)} maps {better} agree better with radiologists than "
            f"“{cells['best_baseline']}”, which needs no model, and {worse} worse."
        )
    return lines
