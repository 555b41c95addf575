"""Which method finds the evidence that a model is known to use?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd

from covid_model.build.trust_benchmark.drawn import Case, draw
from covid_model.build.trust_benchmark.plan import HALVES, Planned
from covid_model.build.trust_benchmark.statistics import difference, rate
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.trust.baseline_maps import BASELINE_MAPS
from covid_model.trust.localisation import lesion_scores

SCORES: Final = ("hit", "energy", "auprc")
WHAT: Final = {"not used": ("both", "opacity"), "used": ("alone", "shortcut")}
"""Use of the shortcut -> group of images and the planted evidence: a model without the shortcut uses the opacity, and on an
image without opacity a model that uses the shortcut has nothing else.
"""


def evidence_tables(records: Sequence[Mapping[str, Any]], models: pd.DataFrame) -> dict[str, Any]:
    """Pointing game, energy and AUPRC of every method and baseline map, by what the models use, over all and by half.

    "better": the paired difference in AUPRC from the default method. Models that did not learn are left out.
    """
    rows = _rows(records, models)
    found: dict[str, Any] = {}
    for use, (_, evidence) in WHAT.items():
        part = rows[rows["use"] == use]
        found[evidence] = {half: _table(part if half == "all" else part[part["half"] == half]) for half in ("all", *HALVES)}
    return found


def _table(rows: pd.DataFrame) -> dict[str, Any]:
    means = rows.groupby(["method", "model"])[list(SCORES)].mean()
    table = {}
    for method in means.index.get_level_values("method").unique():
        one = means.loc[method]
        default = means.loc[DEFAULT_METHOD].reindex(one.index)
        table[method] = {score: asdict(rate(one[score].to_numpy(float))) for score in SCORES}
        table[method]["better"] = asdict(difference(one["auprc"].to_numpy(float), default["auprc"].to_numpy(float)))
    return table


def _rows(records: Sequence[Mapping[str, Any]], models: pd.DataFrame) -> pd.DataFrame:
    """One row a model, image and map: the three scores against the evidence that the model uses."""
    learned = models[models["learned"]].set_index("model")
    found = []
    for record in records:
        name = Planned(record["network"], record["kind"], record["strength"], record["seed"]).name
        if name not in learned.index or record["use"] not in WHAT:
            continue
        group, evidence = WHAT[record["use"]]
        known = (name, learned.loc[name, "half"], record["use"])
        for image in record["images"]:
            if image["group"] != group:
                continue
            scores = {method: cells["evidence"].get(evidence) for method, cells in image["methods"].items()}
            scores |= _baselines(Case(image["number"], record["kind"], evidence == "opacity", True), evidence)
            found += [(*known, method, *(cells[s] for s in SCORES)) for method, cells in scores.items() if cells]
    columns = ["model", "half", "use", "method", *SCORES]
    return pd.DataFrame(found, columns=columns).astype(dict.fromkeys(SCORES, float))


def _baselines(case: Case, evidence: str) -> dict[str, dict[str, float]]:
    """The scores of the maps that need no model, which redrawing the image gives."""
    drawing = draw(case)
    mask = drawing.opacity if evidence == "opacity" else drawing.shortcut
    if mask is None or not mask.any():
        return {}
    return {
        name: {
            key: float(np.nan_to_num(value))
            for key, value in lesion_scores(make(drawing.pixels, drawing.lungs), mask).items()
        }
        for name, make in BASELINE_MAPS.items()
    }
