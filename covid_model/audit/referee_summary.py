"""From the records of images to the referees' results file: means, and differences to the best baseline, by patient."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.audit.referee_results import BASELINES
from covid_model.audit.zones import holm, zone_correlation
from covid_model.data.annotations import ZONES
from covid_model.data.marked import BOXES, OUTLINES, ZONE_SCORES
from covid_model.errors import DataError
from covid_model.evaluation.bootstrap import DRAWS, with_exact_ends
from covid_model.explain.methods import DEFAULT_METHOD

Record = Mapping[str, Any]
Results = dict[str, Any]

PRIMARY: Final = {BOXES: "auprc", OUTLINES: "auprc", ZONE_SCORES: "senior"}
"""The score of each referee whose differences are tested; the others are described."""
TEST_DRAWS: Final = 10_000
"""Of a test: the smallest p-value, 1 / TEST_DRAWS, must stay small when Holm multiplies it by the 70 to 80 maps."""
ZONE_PRIOR: Final = "mean zone scores of other patients"
"""A baseline of the zone scores: what a radiologist who never saw the image would answer."""
SAME: Final = 1e-3
"""Baseline maps whose mean scores differ by no more are the same: processors round differently, outlines move by pixels."""
SPLITS: Final = ("test", "all")
"""Images that no model of ours was trained on, and all of them."""


@dataclass(frozen=True)
class Clustered:
    """A mean with its 95% interval by patient, and the two-sided p-value of a mean of 0."""

    value: float | None
    low: float | None
    high: float | None
    images: int
    patients: int
    p: float | None


def clustered(patients: Sequence[str], values: NDArray[np.float64], draws: int = DRAWS, seed: int = 0) -> Clustered:
    """The mean of one value an image, (n,), by a bootstrap that draws patients with all their images (Efron 1979).

    NaN values are left out. p: twice the share of draws on the smaller side of 0, at least 1 / draws.

    >>> found = clustered(["a", "a", "b", "c"], np.array([1.0, 1.0, 2.0, 3.0]))
    >>> found.value, found.patients, found.p
    (1.75, 3, 0.0005)
    """
    known = ~np.isnan(values)
    if not known.any():
        return Clustered(None, None, None, 0, 0, None)
    names, owner = np.unique(np.asarray(patients, dtype=str)[known], return_inverse=True)
    sums, counts = np.bincount(owner, values[known]), np.bincount(owner)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    drawn = (weights @ sums) / (weights @ counts)
    low, high = np.percentile(drawn, [2.5, 97.5])
    p = max(1 / draws, 2 * min(float((drawn <= 0).mean()), float((drawn >= 0).mean())))
    return Clustered(float(values[known].mean()), float(low), float(high), int(known.sum()), len(names), min(1.0, p))


def _mean(score: str, patients: Sequence[str], values: NDArray[np.float64]) -> Clustered:
    """As `clustered`; hits are shares, and where all or none hit, a bootstrap has no width."""
    found = clustered(patients, values)
    return with_exact_ends(found) if score == "hit" else found


def summarise_referees(records: Sequence[Record]) -> Results:
    """The results file as plain values: split -> referee -> images, baselines, maps, and one reader against the other."""
    rows = pd.concat([_rows(records), _zone_prior(records)], ignore_index=True)
    junior = [(one["split"], one["patient"], one["junior"]) for one in records if one["model"] == BASELINES]
    found: Results = {
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "weights_sha256": {one["model"]: one["weights"] for one in records if one["model"] != BASELINES},
        "primary": PRIMARY,
        "splits": {},
    }
    for split in SPLITS:
        part = rows if split == "all" else rows[rows["split"] == split]
        agreeing = [one for one in junior if split in ("all", one[0])]
        agreement = clustered([one[1] for one in agreeing], np.array([one[2] for one in agreeing], float))
        found["splits"][split] = {name: _referee(part[part["referee"] == name], name) for name in PRIMARY}
        found["splits"][split][ZONE_SCORES]["junior against senior"] = asdict(agreement)
    return found


def earlier_results(path: Path) -> Results:
    """A results file of an earlier call; empty where there is none. Raises DataError for a file that is none."""
    if not path.is_file():
        return {}
    try:
        found: Results = json.loads(path.read_text("utf-8"))
        if missing := {"date", "weights_sha256", "splits"} - set(found):
            raise KeyError(*missing)
    except (OSError, ValueError, TypeError, KeyError):
        raise DataError(
            f"{path} holds no results of `referees`, so no other model's can be kept; move it away or name another file."
        ) from None
    return found


def with_kept(results: Results, before: Mapping[str, Any]) -> Results:
    """The results with the maps of models that only the results `before` have, so that a model with new weights does not
    have all others measured again. p-values are corrected anew over all maps; `kept` says from which date each model is.

    Nothing is kept where the images differ, or the maps that need no model scored anything else: then the differences to
    the best of these maps would be to another one.
    """
    kept = {model: date for model, date in _dates(before).items() if model not in results["weights_sha256"]}
    pairs = [(found, before["splits"][split][name]) for split, name, found in _referees(results)] if kept else []
    if not pairs or not all(_measured_alike(*pair) for pair in pairs):
        return results
    for found, earlier in pairs:
        found["maps"] += [one for one in earlier["maps"] if one["model"] in kept]
        found["maps"].sort(key=lambda one: (one["model"], one["method"]))
        _correct(found["maps"])
    weights = results["weights_sha256"] | {model: before["weights_sha256"][model] for model in kept}
    return results | {"weights_sha256": weights, "kept": kept}


def _dates(results: Mapping[str, Any]) -> dict[str, str]:
    """Model -> when it was measured."""
    return {model: results.get("kept", {}).get(model, results["date"]) for model in results.get("weights_sha256", {})}


def _referees(results: Mapping[str, Any]) -> list[tuple[str, str, Results]]:
    return [(split, name, found) for split, cells in results["splits"].items() for name, found in cells.items()]


def _measured_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Are two referees' results of the same images, with the same scores of the maps that need no model?"""
    same = all(one.get(key) == other.get(key) for key in ("images", "patients", "best_baseline"))
    first, second = _of_baselines(one), _of_baselines(other)
    return same and first.keys() == second.keys() and all(abs(first[key] - second[key]) <= SAME for key in first)


def _of_baselines(found: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """(map, score) -> mean, of the maps that need no model."""
    rows = [one for one in found["maps"] if one["model"] == BASELINES]
    return {(one["method"], score): cells["value"] for one in rows for score, cells in one["scores"].items()}


def _correct(maps: list[Results]) -> None:
    """Correct the p-values of all maps of one referee for how many they are, in place."""
    tested = [one for one in maps if one["model"] != BASELINES and one["to_baseline"]["p"] is not None]
    for one, p in zip(tested, holm([one["to_baseline"]["p"] for one in tested]), strict=True):
        one["to_baseline"]["p_holm"] = p


def _rows(records: Sequence[Record]) -> pd.DataFrame:
    """One row an image, map, referee and score."""
    rows = [
        (one["model"], method, referee, score, one["image"], one["patient"], one["split"], value)
        for one in records
        for method, referees in one["maps"].items()
        for referee, scores in referees.items()
        for score, value in scores.items()
    ]
    return _table(rows)


def _table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = ["model", "method", "referee", "score", "image", "patient", "split", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"value": float})


def _zone_prior(records: Sequence[Record]) -> pd.DataFrame:
    """The correlation of each image's zone scores with the means of all images of other patients."""
    read = [one for one in records if one["model"] == BASELINES and one["zones"]]
    scores = pd.DataFrame([one["zones"] for one in read], columns=list(ZONES))
    patients = np.array([one["patient"] for one in read])
    rows = []
    for number, one in enumerate(read):
        others = scores[patients != one["patient"]]
        if len(others):
            value = zone_correlation(others.mean().to_dict(), scores.iloc[number].to_dict())
            key = (BASELINES, ZONE_PRIOR, ZONE_SCORES, "senior", one["image"], one["patient"], one["split"])
            rows.append((*key, value))
    return _table(rows)


def _referee(rows: pd.DataFrame, referee: str) -> Results:
    """Means of every map and score, and for the primary score the paired differences to the best baseline map and to the
    model's default method. Maps that were not measured on every image are left out.
    """
    if rows.empty:
        return {"images": 0, "patients": 0, "maps": []}
    images = int(rows["image"].nunique())
    rows = rows[rows.groupby(["model", "method"])["image"].transform("nunique") == images]
    values = rows.pivot_table(
        index=["image", "patient"], columns=["model", "method", "score"], values="value", dropna=False
    ).dropna(axis=1, how="all")
    patients = values.index.get_level_values("patient").tolist()
    primary = PRIMARY[referee]
    means = values.mean()
    best = means[BASELINES].xs(primary, level="score").idxmax()
    reference = values[BASELINES, best, primary].to_numpy(float)
    maps = []
    for model, method in dict.fromkeys(key[:2] for key in values.columns):
        own = values[model, method]
        scores = {score: asdict(_mean(score, patients, own[score].to_numpy(float))) for score in own.columns}
        value = own[primary].to_numpy(float)
        gap = asdict(clustered(patients, value - reference, TEST_DRAWS))
        row: Results = {"model": model, "method": method, "scores": scores, "to_baseline": gap}
        if model != BASELINES:
            default = values[model, DEFAULT_METHOD, primary].to_numpy(float)
            row["to_default"] = None if method == DEFAULT_METHOD else asdict(clustered(patients, value - default))
        maps.append(row)
    _correct(maps)
    return {
        "images": images,
        "patients": int(rows["patient"].nunique()),
        "best_baseline": best,
        "maps": maps,
    }
