"""Two models on the same images: their paired difference by the same bootstrap draws."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from covid_model.evaluation.bootstrap import DRAWS, Floats, Weights, resample
from covid_model.evaluation.cases import BIASED, Cases, all_scores


def paired_difference(
    first: Cases, second: Cases, thresholds: tuple[Mapping[str, float], Mapping[str, float]], draws: int = DRAWS
) -> dict[str, dict[str, dict[str, Any]]]:
    """Score -> {"first", "second", "difference" (first - second): interval}, for the scores that both have.

    Both on the same images in the same order, with the same patients. thresholds: of both, class -> probability.
    """
    statistics = all_scores(first, thresholds[0]), all_scores(second, thresholds[1])

    def both(weights: Weights) -> dict[str, Floats]:
        found = [statistic(weights) for statistic in statistics]
        shared = [name for name in found[0] if name in found[1]]
        parts = {name: {"first": found[0][name], "second": found[1][name]} for name in shared}
        return {
            f"{name}:{part}": value
            for name, values in parts.items()
            for part, value in (values | {"difference": np.subtract(values["first"], values["second"])}).items()
        }

    table: dict[str, dict[str, dict[str, Any]]] = {}
    sides = {"first": first.behind(thresholds[0]), "second": second.behind(thresholds[1])}

    def behind(key: str) -> int:
        name, _, part = key.rpartition(":")
        return sides[part](name) if part in sides else 0

    for key, interval in resample(first.patients, both, draws=draws, biased=BIASED).intervals(behind).items():
        name, _, part = key.rpartition(":")
        table.setdefault(name, {})[part] = asdict(interval)
    return table
