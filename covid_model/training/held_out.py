"""What a training says of images that it has not seen: one row an image, and the scores of such rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.audit.attribute_tests import FOLDS, named_groups
from covid_model.data.labels import LABELS
from covid_model.data.marked import BOXES, OUTLINES, marked_images
from covid_model.data.sources import sources_with
from covid_model.evaluation.bootstrap import Floats, Weights, patient_interval
from covid_model.evaluation.cases import balanced_accuracy
from covid_model.evaluation.outputs import image_outputs
from covid_model.evaluation.ranked import Ranked
from covid_model.evaluation.stored import probability_column
from covid_model.explain.engine import explain
from covid_model.explain.methods import DEFAULT_METHOD
from covid_model.images.read import load_image
from covid_model.models.classifier import Classifier
from covid_model.models.predict import predict
from covid_model.models.specs import get_model
from covid_model.trust.localisation import hits

FINDING: Final = LABELS[0]
LEFT: Final = "without "
"""Starts the name of a fold that leaves a source out."""
SPECIFICITY: Final = 0.95
NAMED: Final = "named"
"""Column: the source that a probe of the embedding names, "" where it was not asked."""
HIT: Final = "hit/"
"""Starts the columns of the pointing game, one a referee; NaN where he marked nothing."""

Statistic = Callable[[pd.DataFrame], Callable[[Weights], Floats]]
"""Rows -> a score of them under the weights of bootstrap draws."""


def held_out(classifier: Classifier, rows: pd.DataFrame, fold: str) -> pd.DataFrame:
    """One row for each image that the classifier knows a class for: what it is, and what the classifier says of it.

    rows: of a manifest, none of them trained on. Columns: digest, source, patient, label, fold, class, a calibrated
    probability a class, NAMED by a probe that was fitted on other patients of these rows, and the pointing game of the
    default method (HIT) for the true class.
    """
    spec, classes = get_model(classifier.key), classifier.card.classes
    rows = rows[rows["label"].isin(spec.labels)].reset_index(drop=True)
    logits, features = image_outputs(classifier, rows)
    shares = classifier.probabilities(logits)
    found = rows[["digest", "source", "patient", "label"]].assign(fold=fold)
    found["class"] = [classes[spec.class_of(label)] for label in rows["label"]]
    found = found.assign(**{probability_column(name): shares[:, k] for k, name in enumerate(classes)})
    found[NAMED] = _named(features.astype(np.float64), rows)
    pointing = _pointing(classifier, rows, dict(zip(rows["digest"], found["class"], strict=True)))
    return found.assign(**{f"{HIT}{name}": found["digest"].map(values).astype(float) for name, values in pointing.items()})


def _named(features: NDArray[np.float64], rows: pd.DataFrame) -> NDArray[np.str_]:
    """(n,) the source of each image as its embedding says; of sources with an image for every fold of the probe."""
    counts = rows["source"].value_counts()
    asked = rows["source"].isin(counts.index[counts >= FOLDS]).to_numpy()
    group, found = rows["source"].to_numpy(str)[asked], np.full(len(rows), "", object)
    if len(np.unique(group)) > 1:
        found[asked] = np.unique(group)[named_groups(features[asked], group, rows["patient"].to_numpy(str)[asked])]
    return found.astype(str)


def _pointing(classifier: Classifier, rows: pd.DataFrame, classes: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Referee -> digest -> the pointing game of the default method on the images that he marked. classes: by digest."""
    found: dict[str, dict[str, float]] = {OUTLINES: {}, BOXES: {}}
    for one in marked_images(rows):
        image = load_image(one.path)
        masks = one.masks(image.shape)
        if masks:
            prediction = predict(classifier, image, classifier.segmenter.find(image.pixels))
            heatmap = explain(classifier, prediction, method=DEFAULT_METHOD, target=classes[one.digest]).heatmap
            for name, mask in masks.items():
                found[name][one.digest] = hits(heatmap, mask)
    return found


def scores(rows: pd.DataFrame) -> dict[str, Any]:
    """Name -> interval by patient, from the rows of all folds.

    `auc/adults`: COVID-19 against the rest without collections of children. `auc/SOURCE`: inside one collection that has
    both. `balanced_accuracy`: of all classes. `named`: balanced accuracy of a probe that names the source from the
    embedding. `hit/REFEREE`: the pointing game. `without SOURCE/...`: by a training that has not seen it, `auc` and
    `sensitivity` at SPECIFICITY against the other adults of fold 0, `auc_inside` where the source has images without
    COVID-19 too, and the pointing game on its images.
    """
    return {name: _interval(part, statistic(part)) for name, part, statistic in _parts(rows)}


def differences(rows: pd.DataFrame, before: pd.DataFrame) -> dict[str, Any]:
    """Score -> interval of `rows` less `before`, by the same draws of the patients whose images both have scored."""
    earlier = {name: part for name, part, _ in _parts(before)}
    found = {}
    for name, part, statistic in _parts(rows):
        if name in earlier:
            new, old = (rows.drop_duplicates("digest").set_index("digest") for rows in (part, earlier[name]))
            both = new.index.intersection(old.index)
            after, previous = statistic(new.loc[both]), statistic(old.loc[both])
            found[name] = _interval(new.loc[both], lambda weights, a=after, b=previous: a(weights) - b(weights))  # type: ignore[misc]
    return found


def _interval(rows: pd.DataFrame, statistic: Callable[[Weights], Floats]) -> dict[str, Any]:
    return asdict(patient_interval(rows["patient"].to_numpy(str), statistic))


def _parts(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, Statistic]]:
    """Each score: its name, the rows it is of, each image once, and how it follows from them."""
    inside = rows[~rows["fold"].str.startswith(LEFT)]
    if len(inside):
        yield from _inside(inside)
    for name, part in rows[rows["fold"].str.startswith(LEFT)].groupby("fold"):
        for key, chosen, statistic in _left_out(part, str(name).removeprefix(LEFT)):
            yield f"{name}/{key}", chosen, statistic


def _inside(inside: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, Statistic]]:
    """The scores of folds by patient."""
    adults = inside[~inside["source"].isin(sources_with(lambda source: source.children))]
    yield "auc/adults", adults, _auc
    yield "balanced_accuracy", inside, _balanced
    for source, part in inside.groupby("source"):
        if part["label"].eq(FINDING).nunique() == 2:
            yield f"auc/{source}", part, _auc
    if (asked := inside[inside[NAMED] != ""]).size:
        yield NAMED, asked, _naming
    yield from _pointed(inside)


def _pointed(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, Statistic]]:
    """The pointing game of each referee who marked any of the images."""
    for column in (name for name in rows if name.startswith(HIT)):
        if rows[column].notna().any():
            yield column, rows[rows[column].notna()], _mean(column)


def _left_out(rows: pd.DataFrame, source: str) -> Iterator[tuple[str, pd.DataFrame, Statistic]]:
    """How a source does whose images the training has not seen. rows: of its fold."""
    children = sources_with(lambda source: source.children)
    own, others = rows["source"] == source, ~rows["source"].isin([source, *children]) & (rows["label"] != FINDING)
    positives, negatives, both = rows[own & (rows["label"] == FINDING)], rows[others], rows[own]
    if len(positives) and len(negatives):
        yield "auc", pd.concat([positives, negatives]), _auc
        column = probability_column(FINDING)
        threshold = np.quantile(negatives[column], SPECIFICITY)
        yield "sensitivity", positives.assign(called=(positives[column] > threshold).astype(float)), _mean("called")
    if both["label"].eq(FINDING).nunique() == 2:
        yield "auc_inside", both, _auc
    yield from _pointed(both)


def _auc(rows: pd.DataFrame) -> Callable[[Weights], Floats]:
    ranked = Ranked((rows["label"] == FINDING).to_numpy(), rows[probability_column(FINDING)].to_numpy(np.float64))
    return lambda weights: ranked.under(weights).auc()


def _mean(column: str) -> Statistic:
    def statistic(rows: pd.DataFrame) -> Callable[[Weights], Floats]:
        values = rows[column].to_numpy(np.float64)
        return lambda weights: weights @ values / weights.sum(axis=1)

    return statistic


def _balanced(rows: pd.DataFrame) -> Callable[[Weights], Floats]:
    names = [column.removeprefix(probability_column("")) for column in rows if column.startswith(probability_column(""))]
    predicted = rows[[probability_column(name) for name in names]].to_numpy().argmax(axis=1)
    return balanced_accuracy(rows["class"].map(names.index).to_numpy(np.int64), predicted)


def _naming(rows: pd.DataFrame) -> Callable[[Weights], Floats]:
    names = sorted({*rows["source"], *rows[NAMED]})
    return balanced_accuracy(*(rows[column].map(names.index).to_numpy(np.int64) for column in ("source", NAMED)))
