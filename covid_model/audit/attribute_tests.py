"""Is an attribute encoded in features, and do the logits follow it? Pure array functions, each against shuffled labels.

Rows are images. Everything is computed within strata (images of one label), and the attribute's values are shuffled within
them, whole patients at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from covid_model.evaluation.bootstrap import Weights, patient_interval
from covid_model.evaluation.cases import balanced_accuracy

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]

FOLDS: Final = 5
PROBE_SHUFFLES: Final = 20
SHUFFLES: Final = 200
REGULARISATION: Final = 0.01
"""Inverse strength of the probe's penalty, as in the source probe."""
UPPER: Final = 95.0
"""Percentile of the shuffled values that a finding must exceed."""


@dataclass(frozen=True, eq=False)
class Stratum:
    """Images of one label. rows: their (n,) numbers. group: (n,) value of the attribute. patients: (n,) names."""

    rows: NDArray[np.intp]
    group: Texts
    patients: Texts


Strata = Sequence[Stratum]


def shuffled(group: Texts, patients: Texts, rng: np.random.Generator) -> Texts:
    """The values dealt out anew with the patients in another order: as many of each, and runs of one patient stay together.

    >>> shuffled(np.array(["a", "a", "b"]), np.array(["p", "p", "q"]), np.random.default_rng(3)).tolist()
    ['b', 'a', 'a']
    """
    names, owner = np.unique(patients, return_inverse=True)
    order = rng.permutation(len(names))
    dealt = np.empty_like(group)
    dealt[np.argsort(owner, kind="stable")] = group[np.argsort(order[owner], kind="stable")]
    return dealt


def _shuffles(strata: Strata, count: int, seed: int) -> Iterator[list[Texts]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield [shuffled(part.group, part.patients, rng) for part in strata]


def named_groups(features: Floats, group: Texts, patients: Texts) -> NDArray[np.int64]:
    """The group of every image as a logistic regression names it that never saw the image's patient, as a number."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    number = np.unique(group, return_inverse=True)[1]
    found = np.zeros(len(group), np.int64)
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(features, number, patients):
        mean, scale = features[train].mean(axis=0), features[train].std(axis=0) + 1e-6
        probe = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=300)
        if len(set(number[train])) < 2:
            found[test] = number[train][0]
            continue
        probe.fit((features[train] - mean) / scale, number[train])
        found[test] = probe.predict((features[test] - mean) / scale)
    return found


def encoded(features: Floats, strata: Strata, seed: int = 0) -> dict[str, Any]:
    """How well a linear probe names the group of an image, cross-validated by patient (Alain & Bengio 2016).

    features: (images, f). value: balanced accuracy, the mean over strata, with its 95% interval by patient. shuffled and
    shuffled_high: mean and largest of PROBE_SHUFFLES probes of shuffled labels. found: does the interval's lower end exceed
    shuffled_high?
    """
    scores, start, parts = [], 0, []
    for part in strata:
        number = np.unique(part.group, return_inverse=True)[1]
        parts.append(
            (
                slice(start, start + len(number)),
                balanced_accuracy(number, named_groups(features[part.rows], part.group, part.patients)),
            )
        )
        start += len(number)

    def mean(weights: Weights) -> Floats:
        return np.asarray(np.nanmean([score(weights[:, place]) for place, score in parts], axis=0))

    interval = patient_interval(np.concatenate([part.patients for part in strata]), mean)
    for groups in _shuffles(strata, PROBE_SHUFFLES, seed):
        of_strata = []
        for part, group in zip(strata, groups, strict=True):
            number = np.unique(group, return_inverse=True)[1]
            score = balanced_accuracy(number, named_groups(features[part.rows], group, part.patients))
            of_strata.append(score(np.ones((1, len(number))))[0])
        scores.append(float(np.mean(of_strata)))
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "shuffled": float(np.mean(scores)),
        "shuffled_high": max(scores),
        "found": bool(interval.low is not None and interval.low > max(scores)),
    }


def group_names(strata: Strata) -> list[str]:
    """The groups that have a direction: all of three or more, and of two the first, since the other is its opposite."""
    names = np.unique(np.concatenate([part.group for part in strata])).tolist()
    return names[:1] if len(names) == 2 else names


def directions(features: Floats, strata: Strata, groups: Sequence[Texts], names: Sequence[str]) -> Floats:
    """(names, f): from the images of all other groups to those of one, differences of means within strata.

    Strata weigh as n1 n2 / (n1 + n2). Such a pattern points where features move with the attribute; a probe's weights also
    lean against what disturbs it (Haufe 2014, doi 10.1016/j.neuroimage.2013.10.067; Pahde 2025, arXiv 2202.03482, eq. 5).
    """
    found = np.zeros((len(names), features.shape[1]))
    for row, name in enumerate(names):
        total = 0.0
        for part, group in zip(strata, groups, strict=True):
            inside = group == name
            count = int(inside.sum())
            if 0 < count < len(group):
                weight = count * (len(group) - count) / len(group)
                own = features[part.rows]
                found[row] += weight * (own[inside].mean(axis=0) - own[~inside].mean(axis=0))
                total += weight
        found[row] /= max(total, 1e-12)
    return found


def class_directions(weights: NDArray[np.floating]) -> Floats:
    """(classes, f) from the weights of the logits (units, f): each class against the mean of the others; of one unit itself.

    >>> class_directions(np.array([[1.0], [0.0], [0.0]])).ravel().tolist()
    [1.0, -0.5, -0.5]
    """
    if len(weights) == 1:
        return np.asarray(weights, np.float64)
    others = (weights.sum(axis=0, keepdims=True) - weights) / (len(weights) - 1)
    return np.asarray(weights - others, np.float64)


def used(
    logits: Floats,
    strata: Strata,
    classes: Sequence[str],
    features: Floats | None = None,
    weights: NDArray[np.floating] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """How far the logits (images, units) follow the attribute. classes: one a class direction.

    value: the largest difference of a class's score between a group and the others, in standard deviations of the score
    within labels; signed, for `class` and `group`. Of a linear last layer it is the projection of the attribute's direction
    on the class's. alignment: cosine of these two there, from features (images, f), scaled to unit deviation, and weights
    (units, f); None without weights. shuffled_high, alignment_shuffled_high: the UPPER percentile of the largest absolute
    values over SHUFFLES shuffles. found: does the value exceed it?
    """
    names = group_names(strata)
    score = logits @ class_directions(np.eye(logits.shape[1])).T
    score /= np.sqrt(_within(score, strata)) + 1e-12
    toward = None
    if features is not None and weights is not None:
        spread = np.sqrt(_within(features, strata)) + 1e-9
        features, toward = features / spread, class_directions(weights) * spread

    def both(groups: Sequence[Texts]) -> tuple[Floats, Floats]:
        moved = directions(score, strata, groups, names).T
        if features is None or toward is None:
            return moved, np.zeros_like(moved)
        found = directions(features, strata, groups, names)
        lengths = np.linalg.norm(toward, axis=1)[:, None] * np.linalg.norm(found, axis=1)
        return moved, toward @ found.T / np.maximum(lengths, 1e-12)

    moved, cosine = both([part.group for part in strata])
    null = [tuple(float(np.abs(values).max()) for values in both(groups)) for groups in _shuffles(strata, SHUFFLES, seed)]
    high, cosine_high = np.percentile(null, UPPER, axis=0).tolist()
    at = divmod(int(np.abs(moved).argmax()), moved.shape[1])
    return {
        "value": float(moved[at]),
        "shuffled_high": high,
        "alignment": None if toward is None else float(cosine[at]),
        "alignment_shuffled_high": None if toward is None else cosine_high,
        "class": classes[at[0]],
        "group": names[at[1]],
        "found": bool(abs(moved[at]) > high),
    }


def _within(values: Floats, strata: Strata) -> Floats:
    """(f,) variance of values (images, f) within strata, the mean over all images."""
    parts = [(values[part.rows].var(axis=0), len(part.rows)) for part in strata]
    return np.asarray(np.average([one for one, _ in parts], axis=0, weights=[count for _, count in parts]))


def sensitive(
    features: Floats, slopes: NDArray[np.floating], strata: Strata, which: tuple[int, str], seed: int = 0
) -> dict[str, Any]:
    """TCAV (Kim 2018, arXiv 1711.11279, eq. 2): share of the images whose class score rises along the attribute's direction.

    features: (images, f) of an earlier layer. slopes: (images, units, f) derivatives of the logits by them. which: number of
    the class direction, and name of the group. shuffled_low, shuffled_high: what 95% of SHUFFLES shuffled directions give.
    found: is the share outside of that? Where random directions reach 0 and 1 it cannot be.
    """
    number, name = which
    rows = np.concatenate([part.rows for part in strata])
    toward = np.stack([class_directions(one)[number] for one in slopes[rows]])

    def share(groups: Sequence[Texts]) -> float:
        return float((toward @ directions(features, strata, groups, [name])[0] > 0).mean())

    value = share([part.group for part in strata])
    low, high = np.percentile([share(groups) for groups in _shuffles(strata, SHUFFLES, seed)], [2.5, 97.5]).tolist()
    return {
        "share": value,
        "shuffled_low": low,
        "shuffled_high": high,
        "images": len(rows),
        "found": not low <= value <= high,
    }
