"""Slices of the test images on which a model errs most, found by searching metadata and clusters of embeddings."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from covid_model.evaluation.bootstrap import ENDS, Floats, Weights, resample
from covid_model.evaluation.ranked import ratio

LEAST_IMAGES: Final = 20
LEAST_PATIENTS: Final = 10
MOST: Final = 12
EXAMPLES: Final = 12


@dataclass(frozen=True, eq=False)
class _Found:
    """Slices that were searched. conditions: column -> value of each. members: (slices, n) sparse 0 or 1."""

    conditions: list[dict[str, str]]
    members: sparse.csr_array


def worst_slices(
    attributes: pd.DataFrame, wrong: NDArray[np.bool_], patients: NDArray[Any], digests: NDArray[Any], *, draws: int = 2000
) -> dict[str, Any]:
    """The slices whose error rate is furthest above that of all images, with the number of slices searched.

    attributes: (n rows) text columns; slices are one value of a column, or one of each of two. wrong: (n,). Slices of fewer
    than 20 images or 10 patients are not searched. `p` is corrected for the search: the share of draws in which the largest
    studentised deviation of any slice reaches that of this one (single-step max-T, Westfall and Young 1993), draws by
    patient. Examples are digests of wrong answers.
    """
    found = _candidates(attributes, patients)
    searched = len(found.conditions)
    if not searched or wrong.all() or not wrong.any():
        return {"searched": searched, "error": float(wrong.mean()), "slices": []}
    members, shares = found.members, _Cells(attributes, found.members, wrong)

    def statistic(weights: Weights) -> dict[str, Floats]:
        rate = (weights @ wrong / weights.sum(axis=1))[:, None]
        inside = shares.error(weights)
        return {"rate": inside, "excess": inside - rate}

    result = resample(patients, statistic, draws=draws)
    excess, drawn = result.values["excess"], result.drawn["excess"]
    spread = np.nanstd(drawn, axis=0)
    usable = spread > 0
    scale = np.where(usable, spread, np.inf)
    largest = np.nanmax((drawn - excess) / scale, axis=1)
    low, high = np.nanpercentile(result.drawn["rate"], ENDS, axis=0)
    chosen = [int(k) for k in np.argsort(-excess / scale, kind="stable") if usable[k] and excess[k] > 0][:MOST]
    rows = []
    for k in chosen:
        inside = members[[k]].indices
        rows.append(
            {
                "conditions": found.conditions[k],
                "images": len(inside),
                "patients": len(np.unique(patients[inside])),
                "error": {"value": float(result.values["rate"][k]), "low": float(low[k]), "high": float(high[k])},
                "p": float((1 + (largest >= excess[k] / scale[k]).sum()) / (1 + draws)),
                "examples": [str(digest) for digest in digests[inside[wrong[inside]]][:EXAMPLES]],
            }
        )
    return {"searched": searched, "error": float(wrong.mean()), "slices": rows}


class _Cells:
    """Error rates of slices by way of cells, the images that agree in all attributes: each slice is some whole cells."""

    def __init__(self, attributes: pd.DataFrame, members: sparse.csr_array, wrong: NDArray[np.bool_]) -> None:
        cell = attributes.groupby(list(attributes), sort=False, observed=True).ngroup().to_numpy()
        places = np.arange(len(cell))
        shape = (int(cell.max()) + 1, len(cell))
        self._images = sparse.csr_array((np.ones(len(cell)), (cell, places)), shape=shape)
        self._wrong = sparse.csr_array((np.ones(int(wrong.sum())), (cell[wrong], places[wrong])), shape=shape)
        self._slices = ((members @ self._images.T) > 0).astype(np.float64)

    def error(self, weights: Weights) -> Floats:
        """(d, slices) under the weights (d, n)."""
        wrong, images = (self._slices @ (part @ weights.T) for part in (self._wrong, self._images))
        return ratio(np.asarray(wrong), np.asarray(images)).T


def _candidates(attributes: pd.DataFrame, patients: NDArray[Any]) -> _Found:
    """All slices that are large enough, each set of images once, those of fewer conditions first."""
    owner = np.unique(patients, return_inverse=True)[1]
    conditions: list[dict[str, str]] = []
    places: list[NDArray[np.intp]] = []
    seen: set[bytes] = set()
    for columns in [(name,) for name in attributes] + list(combinations(attributes, 2)):
        for values, inside in attributes.groupby(list(columns), sort=True, observed=True).indices.items():
            named = values if isinstance(values, tuple) else (values,)
            if len(inside) < LEAST_IMAGES or len(inside) == len(attributes):
                continue
            if len(np.unique(owner[inside])) < LEAST_PATIENTS or (key := inside.tobytes()) in seen:
                continue
            seen.add(key)
            conditions.append(dict(zip(columns, map(str, named), strict=True)))
            places.append(inside)
    starts = np.cumsum([0, *map(len, places)])
    columns_of = np.concatenate(places) if places else np.zeros(0, int)
    shape = (len(places), len(attributes))
    return _Found(conditions, sparse.csr_array((np.ones(len(columns_of)), columns_of, starts), shape=shape))
