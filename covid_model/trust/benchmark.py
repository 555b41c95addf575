"""What the trust benchmark measured: how often the verdict and each test are right, for the pages and the docs.

`python -m covid_model trust-benchmark` writes the file; see docs/trust-benchmark.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from covid_model.explain.methods import METHODS
from covid_model.settings import WEIGHTS

FILE: Final = WEIGHTS / "trust-benchmark.json"
EVIDENCE: Final = {"opacity": "models that use no shortcut", "shortcut": "models that use it"}
"""What was planted -> the models whose heatmaps should show it."""
IGNORING: Final = {"planted-edges": "the image's edges", "planted-blobs": "random blobs"}
"""What was passed off as a heatmap -> what it shows."""
HALVES: Final = ("A", "B")
DEFAULT_RULE: Final = (
    "Another method would be the default if it found one kind of evidence better on both halves of the models, with the "
    "whole 95% interval of the paired difference in AUPRC above 0, and the other kind worse on neither."
)

Results = Mapping[str, Any]


@dataclass(frozen=True)
class Share:
    """A share in [0, 1] with its 95% interval, and the models that it is over."""

    value: float
    low: float | None
    high: float | None
    models: int

    @property
    def text(self) -> str:
        """As percentages.

        >>> Share(0.5, 0.25, 0.75, 10).text
        '50% (25% to 75%)'
        """
        around = "" if self.low is None or self.high is None else f" ({self.low:.0%} to {self.high:.0%})"
        return f"{self.value:.0%}{around}"


@dataclass(frozen=True)
class ErrorRates:
    """caught: share of heatmaps that failed, of models that use a planted shortcut. accused: of models that do not."""

    caught: Share
    accused: Share

    @property
    def apart(self) -> bool:
        """Are more caught than accused, beyond the intervals of both?"""
        return (self.caught.low or 0) > (1 if self.accused.high is None else self.accused.high)


@cache
def benchmark() -> Results:
    """The results file; empty where this copy of the project has none."""
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def verdict_rates(method: str, results: Results | None = None) -> ErrorRates | None:
    """How often the verdict on heatmaps of `method` is "not supported"; None where it was not measured."""
    known = benchmark() if results is None else results
    found = known.get("verdict", {}).get("shortcut", {}).get(method, {}).get("all")
    return found and _rates(found["used"]["not supported"], found["not used"]["not supported"])


def rates_of_test(test: str, method: str, results: Results | None = None) -> ErrorRates | None:
    """The same for one trust test; None where it was not measured, or has no pass line."""
    known = benchmark() if results is None else results
    found = known.get("tests", {}).get(test, {}).get("shortcut", {}).get(method, {}).get("all")
    return found and found["sensitivity"] and _rates(found["sensitivity"], found["false_alarms"])


def planted_caught(test: str, results: Results | None = None) -> dict[str, Share]:
    """Planted map that ignores the model -> how often the test failed it, for tests with a pass line."""
    known = benchmark() if results is None else results
    found = known.get("tests", {}).get(test, {}).get("planted", {})
    return {name: Share(**of["all"]["sensitivity"]) for name, of in found.items() if of["all"]["sensitivity"]}


def roc_points(test: str, results: Results | None = None) -> tuple[list[float], list[float]]:
    """The ROC curve of a test over models, for the default method: false-alarm rates and sensitivities from 0 to 1.

    A model's score is its mean suspicion. Empty where models of one kind are missing.
    """
    known = benchmark() if results is None else results
    scores: dict[str, list[float]] = {"used": [], "not used": []}
    for model in known.get("models", ()):
        value = model["tests"].get(test, {}).get("suspicion")
        if value is not None and model["learned"] and model["use"] in scores:
            scores[model["use"]].append(value)
    if not all(scores.values()):
        return [], []
    lines = [float("inf"), *sorted({*scores["used"], *scores["not used"]}, reverse=True)]
    return tuple([sum(v >= line for v in scores[use]) / len(scores[use]) for line in lines] for use in ("not used", "used"))  # type: ignore[return-value]


def benchmark_line(method: str, results: Results | None = None) -> str:
    """One line for beside a verdict on a heatmap of `method`; "" where it was not measured."""
    rates = verdict_rates(method, results)
    if rates is None:
        return ""
    return (
        f"In our benchmark on drawn images these tests failed {rates.caught.text} of the heatmaps of models that used a "
        f"planted shortcut, and wrongly {rates.accused.text} of those of models that did not."
        f"{'' if rates.apart else ' There the verdict could not tell the two apart.'}"
    )


def supported_anyway(method: str, results: Results | None = None) -> Share | None:
    """Of heatmaps of models that use a planted shortcut, the share with the verdict "supported"; None: not measured."""
    known = benchmark() if results is None else results
    found = known.get("verdict", {}).get("shortcut", {}).get(method, {}).get("all")
    return Share(**found["used"]["supported"]) if found and found["used"]["supported"]["value"] is not None else None


def short_line(method: str, results: Results | None = None) -> str:
    """The same in one line of a page, without intervals, for right below a verdict, with how often "supported" is wrong."""
    rates, missed = verdict_rates(method, results), supported_anyway(method, results)
    if rates is None or missed is None:
        return ""
    return (
        f"Benchmark: caught {rates.caught.value:.0%} of shortcut heatmaps, supported {missed.value:.0%}; "
        f"wrongly accused {rates.accused.value:.0%} of others."
    )


def line_of_test(test: str, method: str, results: Results | None = None) -> str:
    """The same for one trust test, with the share of maps that ignore the model that it fails."""
    rates = rates_of_test(test, method, results)
    if rates is None:
        return ""
    planted = planted_caught(test, results)
    ignoring = " and ".join(f"{share.text} of {IGNORING.get(name, name)}" for name, share in planted.items())
    return (
        f"In our benchmark on drawn images this test failed {rates.caught.text} of the heatmaps of models that used a "
        f"planted shortcut, and wrongly {rates.accused.text} of those of models that did not."
        f"{f' Of maps that ignore the model it failed {ignoring}.' if ignoring else ''}"
    )


def map_label(name: str) -> str:
    """A method's label; the name of a planted or baseline map as it is."""
    return METHODS[name].label if name in METHODS else name.replace("-", " ")


def better_methods(results: Results | None = None) -> dict[str, str]:
    """Methods that DEFAULT_RULE prefers to the default one -> the evidence that they find better; no class-blind ones."""
    found = (benchmark() if results is None else results).get("evidence", {})

    def gaps(method: str, evidence: str) -> list[Mapping[str, Any]]:
        cells = [found[evidence][half].get(method, {}).get("better") for half in HALVES]
        return [one for one in cells if one and one["low"] is not None]

    def beats(method: str, evidence: str) -> bool:
        own = gaps(method, evidence)
        others = [gap for other in found if other != evidence for gap in gaps(method, other)]
        return len(own) == len(HALVES) and all(gap["low"] > 0 for gap in own) and all(gap["high"] >= 0 for gap in others)

    able = [method for method, row in METHODS.items() if not row.class_blind]
    return {method: evidence for method in able for evidence in found if beats(method, evidence)}


def default_line(results: Results | None = None) -> str:
    """Whether the default method follows from the planted evidence, in one sentence; "" without results."""
    known = benchmark() if results is None else results
    if not known:
        return ""
    default, better = map_label(known["default_method"]), better_methods(known)
    if not better:
        return f"{default}, the default method, follows from this: no other method is better by the rule on both halves."
    others = " and ".join(f"{map_label(method)} finds the {evidence} better" for method, evidence in better.items())
    return f"{default}, the default method, does not follow from this: by the rule {others} on both halves."


def _rates(caught: Mapping[str, Any], accused: Mapping[str, Any]) -> ErrorRates | None:
    if caught["value"] is None or accused["value"] is None:
        return None
    return ErrorRates(Share(**caught), Share(**accused))
