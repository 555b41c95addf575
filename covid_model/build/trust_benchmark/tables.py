"""The records of the models as tables: one row a model, one row a heatmap and test, one number a model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.build.trust_benchmark.causal import LEARNED
from covid_model.build.trust_benchmark.plan import Planned
from covid_model.build.trust_benchmark.planted_maps import PLANTED
from covid_model.trust.trust_tests import TRUST_TESTS
from covid_model.trust.trust_tests.randomisation import ALLOWED as SIMILAR
from covid_model.trust.trust_tests.region_ablation import KEPT
from covid_model.trust.trust_tests.stability import ALLOWED
from covid_model.trust.trust_tests.survival import ALLOWED as FALL
from covid_model.trust.verdict import Word

Record = Mapping[str, Any]

LINES: Final = {
    "survival": FALL,
    "region_ablation": KEPT,
    "stability": ALLOWED,
    "randomisation": SIMILAR,
    "attention": 0.0,
    "faithfulness": 0.0,
}
"""Test -> the suspicion from which on it fails, as the tests have it."""
OF_THE_MAP: Final = ("stability", "randomisation")
"""Tests whose question is whether the heatmap depends on the model, whatever the model uses."""
PLANTED_KEYS: Final = tuple(kind.key for kind in PLANTED)
ALL: Final = "all"
RULE_NOW: Final = "verdict"
"""The verdict by the rule as it is."""
ABLATION: Final = "region_ablation"
"""The test of the need for the lungs. It accuses no heatmap, and none is supported that fails it."""
OTHER_RULES: Final = (f"{ABLATION} deciding", f"without {ABLATION}")
"""What the verdict could be instead: a heatmap that fails the need for the lungs is not supported, or nobody asks."""
ANSWERS_FOR: Final = {
    "marker": ("marks",),
    "text": ("marks",),
    "border": ("border",),
    "device": ("lines",),
    "tone": ("tone", "contrast"),
    "small chest": ("size",),
    "contrast": ("tone", "contrast"),
}
"""Shortcut -> the matched edits that take it away."""


def model_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a model: what it is, its half, and what it uses; learned: does it know the opacity, or use the shortcut?"""
    rows = []
    for record in records:
        planned = Planned(record["network"], record["kind"], record["strength"], record["seed"])
        known = {key: record[key] for key in ("use", "shortcut_effect", "opacity_effect", "auc", "encoded")}
        learned = record["auc"] >= LEARNED or record["use"] == "used"
        rows.append({"model": planned.name, **asdict(planned), "half": planned.half, **known, "learned": learned})
    return pd.DataFrame(rows)


def test_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a model, image, method and trust test; each rule for the verdict is one more "test".

    failed, passed: is the value on the wrong or the right side of the test's line, whether the test decides today or not?
    Neither where it could not decide; such a heatmap counts as the least suspicious of its test, since nobody is accused. Of
    a verdict: "not supported" and "supported".
    """
    rows = []
    for record in records:
        name = Planned(record["network"], record["kind"], record["strength"], record["seed"]).name
        for image in record["images"]:
            for method, found in image["methods"].items():
                if "tests" not in found:
                    continue
                sides = {test: side_of(test, cells) for test, cells in found["tests"].items()}
                without = word_of({test: side for test, side in sides.items() if test != ABLATION})
                deciding = "not supported" if sides[ABLATION] == "failed" else without
                words = {RULE_NOW: word_of(sides), **dict(zip(OTHER_RULES, (deciding, without), strict=True))}
                key = (name, image["group"], method)
                rows += [
                    (*key, test, side == "failed", side == "passed", found["tests"][test]["suspicion"])
                    for test, side in sides.items()
                ]
                rows += [
                    (*key, rule, word == "not supported", word == "supported", float(word == "not supported"))
                    for rule, word in words.items()
                ]
    columns = ["model", "group", "method", "test", "failed", "passed", "suspicion"]
    found = pd.DataFrame(rows, columns=columns).astype({"failed": float, "passed": float, "suspicion": float})
    least = found.groupby("test")["suspicion"].transform("min")
    return found.assign(suspicion=found["suspicion"].fillna(least))


def side_of(test: str, cells: Record) -> str:
    """On which side of the test's line a value is: "passed", "failed" or "unclear"."""
    if test not in LINES or (cells["suspicion"] is None and cells["outcome"] != "failed"):
        return "unclear"
    return "failed" if cells["suspicion"] is None or cells["suspicion"] > LINES[test] else "passed"


def word_of(sides: Mapping[str, str]) -> Word:
    """The verdict of `trust.verdict` from the side that each test is on, for an image that can have one."""
    deciding = [side for test, side in sides.items() if TRUST_TESTS[test].decides]
    required = [side for test, side in sides.items() if TRUST_TESTS[test].required]
    if "failed" in deciding:
        return "not supported"
    doubted = sides.get(ABLATION) == "failed"
    return "supported" if all(side == "passed" for side in required) and not doubted else "withheld"


def named_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a model and image with opacity and shortcut whose answer an edit changes: does that edit answer for it?"""
    rows = []
    for record in records:
        name = Planned(record["network"], record["kind"], record["strength"], record["seed"]).name
        for image in record["images"]:
            edits = image["edits"]
            if image["group"] == "both" and edits and max(edits.values()) > FALL:
                rows.append((name, float(max(edits, key=edits.__getitem__) in ANSWERS_FOR[record["kind"]])))
    return pd.DataFrame(rows, columns=["model", "named"]).astype({"named": float})


class Scores:
    """One number a model, from the images with both opacity and shortcut, for the models that count."""

    def __init__(self, models: pd.DataFrame, tests: pd.DataFrame) -> None:
        self.models = models[models["learned"]].set_index("model")
        self.tests = tests[tests["group"] == "both"]
        means = self.tests.groupby(["method", "test", "model"])[["failed", "passed", "suspicion"]].mean()
        self.means = {key: rows.droplevel(["method", "test"]) for key, rows in means.groupby(["method", "test"])}

    def of(self, method: str, test: str, column: str, half: str = ALL, **where: Any) -> NDArray[np.float64]:
        """The mean over images of a column, one a model; NaN where the model has none. where: columns of the models."""
        chosen = self.models if half == ALL else self.models[self.models["half"] == half]
        for name, value in where.items():
            chosen = chosen[chosen[name] == value]
        if (method, test) not in self.means:
            return np.full(len(chosen), np.nan)
        return self.means[method, test][column].reindex(chosen.index).to_numpy(np.float64)
