"""A summary of the trust benchmark from made-up records, of which every rate is known."""

from functools import cache
from typing import Any

import numpy as np

from covid_model.build.trust_benchmark.plan import Planned, plan
from covid_model.build.trust_benchmark.planted_maps import PLANTED
from covid_model.build.trust_benchmark.summary import summarise
from covid_model.build.trust_benchmark.tables import LINES
from covid_model.explain.methods import DEFAULT_METHOD


def cells(suspicion: float | None, outcome: str = "passed") -> dict[str, Any]:
    return {"outcome": outcome, "value": suspicion, "suspicion": suspicion}


def record(planned: Planned, use: str, suspicion: dict[str, float]) -> dict[str, Any]:
    """One model whose heatmaps have these suspicions; planted maps are beyond every line."""
    scores = {"hit": 1.0, "energy": 0.5, "auprc": 0.6 if use == "used" else 0.4}
    planted = {kind.key: {test: cells(line + 1) for test, line in LINES.items()} for kind in PLANTED}
    methods = {
        method: {"evidence": {"opacity": scores, "shortcut": scores}, "tests": tests}
        for method, tests in (planted | {DEFAULT_METHOD: {test: cells(value) for test, value in suspicion.items()}}).items()
    }
    edits = {"marks": suspicion["survival"], "tone": suspicion["survival"] - 0.1}
    common = {"number": 1_000_000, "probability": 0.9, "edits": edits, "methods": methods}
    images = [{"group": group, **common} for group in ("both", "alone")]
    effect = 0.9 if use == "used" else 0.0
    known = {"network": planned.network, "kind": planned.kind, "strength": planned.strength, "seed": planned.seed}
    measured = {"shortcut_effect": effect, "opacity_effect": 0.5, "auc": 0.9, "encoded": 1.0, "code": "0"}
    return {**known, "use": use, **measured, "images": images}


@cache
def toy_summary() -> dict[str, Any]:
    """Attention and survival know every model that uses its shortcut; stability is noise; the others pass everything.

    The edit that answers most is always "marks", which is right for two of the three shortcuts.
    """
    rng, found = np.random.default_rng(0), []
    for planned in (one for one in plan() if one.kind in ("marker", "text", "tone")):
        use = "used" if planned.strength >= 0.5 else "not used"
        known = 0.2 if use == "used" else -0.2
        suspicion = {"attention": known, "survival": LINES["survival"] + known, "stability": rng.uniform(0, 1)}
        found.append(record(planned, use, {test: line - 0.1 for test, line in LINES.items()} | suspicion))
    return summarise(found)
