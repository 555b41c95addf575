"""The parts of an evaluation report, each from the cases of one split."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.evaluation.bootstrap import Floats, Weights, resample
from covid_model.evaluation.calibrate import operating_points
from covid_model.evaluation.cases import ANSWERED, BIASED, GRID, Cases, EqualMassBins, all_curves, all_scores
from covid_model.evaluation.conformal import KINDS, LEVEL, ConformalSets, set_measures
from covid_model.evaluation.groups import GROUPINGS, LEAST
from covid_model.evaluation.scores import confusion
from covid_model.evaluation.slices import worst_slices
from covid_model.models.calibration import CARD_POINT

POINTS_DRAWN: Final = 150
"""Points of a stored ROC or precision-recall curve at most."""

Points = dict[str, dict[str, float]]
Key = TypeVar("Key", bound=str | tuple[str, str])


def operating_points_of(val: Cases) -> Points:
    """Class -> {name: threshold}, chosen on validation images; classes without positives or negatives are left out."""
    present = np.unique(val.label)
    if len(present) < 2:
        return {}
    points = operating_points(val.probabilities, val.label, val.classes)
    return {name: found for k, name in enumerate(val.classes) if k in present for found in (points[name],)}


def scored_whole(cases: Cases, thresholds: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Every score on one set of images, as intervals by patient, and the confusion matrix (rows true, columns predicted).

    thresholds: class -> {name of an operating point: probability}, as on the card.
    """
    called = cases.thresholds(thresholds, CARD_POINT)
    found = resample(cases.patients, all_scores(cases, called), biased=BIASED)
    return {
        "images": found.images,
        "patients": found.patients,
        "scores": {name: asdict(interval) for name, interval in found.intervals(cases.behind(called)).items()},
        "confusion": confusion(cases.label, cases.predicted, len(cases.classes)),
    }


def scored_groups(rows: pd.DataFrame, cases: Cases, thresholds: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """by_source, by_view, by_sex, by_age: group -> as `scored_whole`; of groups of fewer than LEAST images only the size."""
    found: dict[str, Any] = {}
    for key, grouping in GROUPINGS.items():
        names = grouping.of(rows).to_numpy(str)
        part = found.setdefault(f"by_{key}", {})
        for name in np.unique(names):
            inside = names == name
            few = {"images": int(inside.sum()), "patients": len(np.unique(cases.patients[inside])), "scores": {}}
            part[str(name)] = few if inside.sum() < LEAST else scored_whole(cases.where(inside), thresholds)
    return found


def scored_test(
    rows: pd.DataFrame,
    cases: Cases,
    val: Cases | None,
    thresholds: Mapping[str, Mapping[str, float]],
    points: Points,
    subsets: Mapping[str, NDArray[np.bool_]],
) -> dict[str, dict[str, Any]]:
    """ "split": scores of the test images, in groups and subsets; "report": what else is measured on them."""
    curves = resample(cases.patients, all_curves(cases, points))
    attributes = pd.DataFrame({key: grouping.of(rows).to_numpy(str) for key, grouping in GROUPINGS.items()})
    attributes["cluster"] = rows["cluster"].astype(str).to_numpy()
    attributes["label"] = rows["label"].to_numpy(str)
    wrong = cases.predicted != cases.label
    return {
        "split": {
            **scored_whole(cases, thresholds),
            **scored_groups(rows, cases, thresholds),
            "by_subset": {
                key: scored_whole(cases.where(inside), thresholds) for key, inside in subsets.items() if inside.any()
            },
        },
        "report": {
            "operating_points": {
                name: {
                    "thresholds": chosen,
                    "test": {
                        measure: curves.bands(f"point/{name}/{measure}")
                        for measure in ("sensitivity", "specificity", "ppv", "npv")
                    },
                }
                for name, chosen in points.items()
            },
            "curves": {
                "threshold": GRID.tolist(),
                **{name: _class_curves(cases, k, name, curves) for k, name in enumerate(cases.classes)},
            },
            "reliability": _reliability(cases) | curves.bands("reliability"),
            "abstention": {"answered": ANSWERED.tolist(), **curves.bands("abstention")},
            "conformal": _conformal(rows, cases, val) if val else None,
            "worst": worst_slices(attributes, wrong, cases.patients, rows["digest"].to_numpy(str)),
        },
    }


def _class_curves(cases: Cases, k: int, name: str, curves: Any) -> dict[str, Any]:
    """Bands on the grid of thresholds, and ROC and precision-recall points, of one class."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    truth = cases.label == k
    measures = ("sensitivity", "specificity", "net_benefit", "ppv_even", "npv_even")
    found: dict[str, Any] = {measure: curves.bands(f"threshold/{name}/{measure}") for measure in measures}
    found["prevalence"] = float(truth.mean())
    if truth.any() and not truth.all():
        false_alarms, sensitivity, _ = roc_curve(truth, cases.probabilities[:, k])
        precision, recall, _ = precision_recall_curve(truth, cases.probabilities[:, k])
        found["roc"] = {"false_positive_rate": _thinned(false_alarms), "sensitivity": _thinned(sensitivity)}
        found["precision_recall"] = {"recall": _thinned(recall), "precision": _thinned(precision)}
    return found


def _thinned(line: NDArray[np.float64]) -> list[float]:
    """At most POINTS_DRAWN values, evenly chosen, with both ends."""
    chosen = np.unique(np.linspace(0, len(line) - 1, min(POINTS_DRAWN, len(line))).round().astype(int))
    return [round(float(value), 4) for value in line[chosen]]


def _reliability(cases: Cases) -> dict[str, list[float]]:
    bins, ones = EqualMassBins(cases.label, cases.probabilities), np.ones((1, len(cases.label)))
    count, confidence = bins.summed(ones)[0], bins.summed(ones, bins.confidence)[0]
    return {"images": count.tolist(), "confidence": (confidence / count).tolist()}


def _conformal(rows: pd.DataFrame, cases: Cases, val: Cases) -> dict[str, Any]:
    """Split conformal sets calibrated on validation and measured on test: coverage in all, by class and by source."""
    sources = rows["source"].to_numpy(str)
    sets = {kind: ConformalSets.fit(kind, val.probabilities, val.label) for kind in KINDS}
    measures = {kind: set_measures(part.contain(cases.probabilities), cases.label) for kind, part in sets.items()}
    whole = _means(
        cases,
        {(kind, name): values for kind, part in measures.items() for name, values in part.items()},
        np.ones(len(sources), bool),
    )
    coverage = {kind: part["coverage"] for kind, part in measures.items()}
    by_class = {name: _means(cases, coverage, cases.label == k) for k, name in enumerate(cases.classes)}
    by_source = {str(name): _means(cases, coverage, sources == name) for name in np.unique(sources)}
    found: dict[str, Any] = {"level": LEVEL, "calibrated_on": len(val.label)}
    for kind, part in sets.items():
        found[kind] = {
            "limits": dict(zip(cases.classes, part.limits, strict=True)),
            **{name: whole[kind, name] for name in measures[kind]},
            "by_class": {name: group[kind] for name, group in by_class.items()},
            "by_source": {name: group[kind] for name, group in by_source.items()},
        }
    return found


def _means(cases: Cases, values: Mapping[Key, NDArray[np.float64]], inside: NDArray[np.bool_]) -> dict[Key, dict[str, Any]]:
    """The means over some images as intervals, all in the same draws; without value where they are fewer than LEAST.

    All but the size of a set are shares of images.
    """
    patients = cases.patients[inside]
    if len(patients) < LEAST:
        few = {"value": None, "low": None, "high": None, "images": len(patients), "patients": len(np.unique(patients))}
        return {key: dict(few) for key in values}
    summed = np.column_stack([one[inside] for one in values.values()])

    def statistic(weights: Weights) -> dict[str, Floats]:
        means = (weights @ summed).T / weights.sum(axis=1)
        return {str(place): mean for place, mean in enumerate(means)}

    count = len(np.unique(patients))
    behind = {str(place): 0 if key[-1:] == ("size",) else count for place, key in enumerate(values)}
    intervals = resample(patients, statistic).intervals(behind.__getitem__).values()
    return {key: asdict(interval) for key, interval in zip(values, intervals, strict=True)}
