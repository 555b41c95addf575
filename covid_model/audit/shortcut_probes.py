"""Logistic regressions on frozen features, fitted on training images and scored on test images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.data.filters import UNKNOWN
from covid_model.evaluation.bootstrap import Weights, mean_interval, patient_interval
from covid_model.evaluation.cases import balanced_accuracy
from covid_model.evaluation.ranked import Ranked

Mask = NDArray[np.bool_]
Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]

FINDING: Final = "COVID-19"
TOGETHER: Final = " + "
"""Joins the names of two sources."""
FEWEST: Final = 5
"""Images with the finding, and without it, that fitting and testing need on either side."""


class Probes:
    """Logistic regressions fitted on the train rows and scored on the test rows, with intervals by patient."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._train, self._test = ((rows["split"] == split).to_numpy() for split in ("train", "test"))
        self._truth = (rows["label"] == FINDING).to_numpy()
        self._source = rows["source"].to_numpy(str)
        self._patients = rows["patient"].to_numpy(str)

    def auc(self, fitted_on: NDArray[np.float32], tested_on: NDArray[np.float32]) -> dict[str, Any]:
        """AUC of the finding: fitted on one kind of features (n, f), tested on another."""
        return self.aucs(fitted_on, {"": tested_on})[""]

    def aucs(
        self, fitted_on: NDArray[np.float32], tested_on: Mapping[str, NDArray[np.float32]]
    ) -> dict[str, dict[str, Any]]:
        """AUC of the finding: fitted on one kind of features (n, f), tested on each of others."""
        score = self._fitted(fitted_on)
        return {name: self._auc_of(score(features), self._test) for name, features in tested_on.items()}

    def left_elsewhere(self, whole: NDArray[np.float32], shuffled: NDArray[np.float32]) -> dict[str, Any]:
        """AUC of whole images less what is above chance with shuffled patches, both in the same draws of patients."""
        truth, inside = self._truth[self._test], self._test
        first, second = (Ranked(truth, self._fitted(part)(part)[inside]) for part in (whole, shuffled))

        def statistic(weights: Weights) -> NDArray[np.float64]:
            bias = np.maximum(0.0, second.under(weights).auc() - 0.5)
            return np.asarray(first.under(weights).auc() - bias)

        return asdict(patient_interval(self._patients[inside], statistic))

    def told(self, features: NDArray[np.float32], names: NDArray[np.str_]) -> dict[str, Any]:
        """Balanced accuracy of naming the group of an image. names: (n,) the groups; images of UNKNOWN do not count."""
        known, number = names != UNKNOWN, np.unique(names, return_inverse=True)[1]
        train, test = self._train & known, self._test & known
        groups = np.unique(number[train])
        if len(groups) < 2:
            return self.mean(np.full(len(number), np.nan))
        guess = _fit(features[train], number[train])(features[test])
        place = guess.argmax(axis=1) if guess.ndim > 1 else (guess > 0).astype(int)
        return asdict(patient_interval(self._patients[test], balanced_accuracy(number[test], groups[place])))

    def source(self, features: NDArray[np.float32]) -> dict[str, Any]:
        """Balanced accuracy of naming the source of an image."""
        return self.told(features, self._source)

    def leave_one_out(self, features: NDArray[np.float32]) -> dict[str, dict[str, Any]]:
        """Source -> AUC on its test images, and their share called the finding by true label, fitted without this source."""
        found = {}
        for name in np.unique(self._source):
            others, inside = self._train & (self._source != name), self._test & (self._source == name)
            if len(set(self._truth[others])) < 2 or not inside.any():
                continue
            score = _fit(features[others], self._truth[others])(features)
            called = (score > 0).astype(np.float64)
            found[str(name)] = {
                "auc": self._auc_of(score, inside),
                "called_with": self.mean(called, inside & self._truth),
                "called_without": self.mean(called, inside & ~self._truth),
            }
        return found

    def between_sources(self, features: NDArray[np.float32]) -> dict[str, dict[str, dict[str, Any]]]:
        """Sources fitted on -> sources tested on -> AUC, or `why` there is none.

        Sources alone and in those pairs that can be fitted or tested, since a source often has one label only. Sets that
        share some but not all sources are neither the same nor elsewhere, so their cells are empty.
        """
        sources = [str(name) for name in np.unique(self._source)]
        pairs = [pair for pair in combinations(sources, 2) if not self._lack(pair, self._train)]
        sets: list[tuple[str, ...]] = [*((name,) for name in sources), *pairs]
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for fitted in sets:
            why = self._lack(fitted, self._train)
            score = None if why else self._fitted(features, self._of(fitted))(features)
            cells = found.setdefault(TOGETHER.join(fitted), {})
            for tested in sets:
                cells[TOGETHER.join(tested)] = self._cell(fitted, tested, score, why)
        return found

    def mean(self, values: NDArray[np.floating], inside: Mask | None = None) -> dict[str, Any]:
        """The mean over some rows, by default the test rows."""
        chosen = self._test if inside is None else inside
        shown = values[chosen].astype(np.float64)
        return asdict(patient_interval(self._patients[chosen], lambda weights: weights @ shown / weights.sum(axis=1)))

    def _cell(
        self, fitted: Sequence[str], tested: Sequence[str], score: NDArray[np.float64] | None, why: str
    ) -> dict[str, Any]:
        """One cell of `between_sources`."""
        shared = set(fitted) & set(tested)
        if shared and set(fitted) != set(tested):
            why = why or f"{', '.join(sorted(shared))} is on both sides"
        why = why or self._lack(tested, self._test)
        if why or score is None:
            return {"value": None, "low": None, "high": None, "why": why}
        return self._auc_of(score, self._test & self._of(tested))

    def _lack(self, sources: Sequence[str], split: Mask) -> str:
        """What sources lack for a probe, or "". split: the train or the test rows."""
        inside = self._of(sources) & split
        counts = {"with": int(self._truth[inside].sum()), "without": int((~self._truth[inside]).sum())}
        kind = "training" if split is self._train else "test"
        lacking = [f"{count or 'no'} {kind} images {word} {FINDING}" for word, count in counts.items() if count < FEWEST]
        return f"{TOGETHER.join(sources)} has {' and '.join(lacking)}" if lacking else ""

    def _of(self, sources: Sequence[str]) -> Mask:
        return np.isin(self._source, list(sources))

    def _fitted(self, features: NDArray[np.float32], inside: Mask | None = None) -> Score:
        rows = self._train if inside is None else self._train & inside
        return _fit(features[rows], self._truth[rows])

    def _auc_of(self, score: NDArray[np.float64], inside: Mask) -> dict[str, Any]:
        ranked = Ranked(self._truth[inside], score[inside])
        return asdict(patient_interval(self._patients[inside], lambda weights: ranked.under(weights).auc()))


def source_by_label(predictions: pd.DataFrame) -> dict[str, Any]:
    """Balanced accuracy of naming the source of the test images by their label alone, the right one: no model that tells
    the labels apart can hide that much.

    predictions: of a report. Each label stands for the source with the largest share of it among the validation images;
    without any, no number comes back.
    """
    rows = predictions.drop_duplicates("digest")
    fitted, test = (rows[rows["split"] == split] for split in ("val", "test"))
    names = sorted(set(rows["source"]))
    if fitted.empty:
        return asdict(mean_interval([], np.empty(0)))
    likeliest = pd.crosstab(fitted["source"], fitted["class"], normalize="index").idxmax()
    named = test["class"].map(likeliest).map(names.index, na_action="ignore").fillna(-1)
    label, predicted = test["source"].map(names.index).to_numpy(np.int64), named.to_numpy(np.int64)
    return asdict(patient_interval(test["patient"].to_numpy(str), balanced_accuracy(label, predicted)))


def _fit(features: NDArray[np.float32], label: NDArray[Any]) -> Score:
    """A logistic regression with equal weight for each class: features (n, f) -> scores, above 0 for the second of two."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    standard = (features - mean) / scale
    narrow, widen = _narrowed(standard)
    fitted = LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000).fit(narrow, label)
    weights, constant = widen(fitted.coef_), fitted.intercept_

    def score(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        found = np.asarray((rows - mean) / scale @ weights.T + constant, np.float64)
        return found[:, 0] if found.shape[1] == 1 else found

    return score


def _narrowed(rows: NDArray[np.float32]) -> tuple[NDArray[Any], Callable[[NDArray[np.float64]], NDArray[Any]]]:
    """Rows (n, f) with their lengths and angles in at most n columns, and how weights there become weights of features.

    The weights that fit best under an L2 penalty are a weighted sum of the rows (representer theorem), so nothing is lost,
    and each step of a fit costs no more than with as many features as images. Rows no wider than high stay as they are.
    """
    if rows.shape[1] <= len(rows):
        return rows, lambda weights: weights
    lengths, directions = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    lengths = np.maximum(lengths, 1e-12)  # rows may all be the same, as those of images without lungs
    real = lengths >= 1e-6 * lengths[-1]
    root = np.sqrt(lengths[real])
    directions = directions[:, real]
    return directions * root, lambda weights: (weights / root @ directions.T).astype(np.float32) @ rows
