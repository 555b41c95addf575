"""Shortcut audit: can the finding be told from images without lungs, or from what is no image? `audit --shortcuts`.

Small classifiers are fitted on a model's frozen features of altered images and tested on each alteration (Maguolo & Nanni
2021, arXiv 2004.12823; Sourget 2024, arXiv 2412.04030).
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model import __version__
from covid_model.backends.base import EMBEDDING, LOGITS, Progress
from covid_model.data.manifest import data_hash
from covid_model.errors import DataError
from covid_model.evaluation.bootstrap import patient_interval
from covid_model.evaluation.cases import balanced_accuracy
from covid_model.evaluation.groups import GROUPINGS
from covid_model.evaluation.ranked import Ranked
from covid_model.evaluation.report import rounded
from covid_model.evaluation.stored import SHORTCUTS
from covid_model.files import read_arrays, write_arrays, write_json
from covid_model.images.preprocess import resized
from covid_model.images.read import load_image
from covid_model.models.classifier import Classifier
from covid_model.progress import ProgressLog
from covid_model.threads import in_order
from covid_model.trust.edits import Edit, edited
from covid_model.trust.trust_tests.region_ablation import REGIONS

Features = dict[str, NDArray[np.float32]]
Mask = NDArray[np.bool_]

FINDING: Final = "COVID-19"
WHOLE: Final = "whole image"
REMOVED: Final = "lungs removed"
SILHOUETTE: Final = "silhouette"
SHUFFLED: Final = "patches shuffled"
THUMBNAIL: Final = "8 x 8 thumbnail"
HISTOGRAM: Final = "histogram"
METADATA: Final = "view, sex and age"
MARKED: Final = "marked"
EVERY: Final = 100
"""Images between two writes: an interruption loses at most the work on these."""
MOST: Final = 1500
PATCHES: Final = 8
GREY_LEVELS: Final = 32
MARKER: Final = Edit("r", 0.03, 0.03, 0.15, 0.15)


def silhouette(pixels: NDArray[np.float32], lungs: Mask) -> NDArray[np.float32]:
    """The lungs filled with one grey, black around: their outline and nothing else."""
    return np.where(lungs, np.float32(0.5), np.float32(0))


def patches_shuffled(pixels: NDArray[np.float32], lungs: Mask) -> NDArray[np.float32]:
    """The image in PATCHES x PATCHES pieces in random order: texture without anatomy (Ong Ly 2024)."""
    height, width = (length // PATCHES for length in pixels.shape)
    inside = pixels[: height * PATCHES, : width * PATCHES]
    pieces = inside.reshape(PATCHES, height, PATCHES, width).swapaxes(1, 2).reshape(-1, height, width)
    order = np.random.default_rng(int(1e6 * pixels.mean())).permutation(PATCHES**2)
    mixed = pixels.copy()
    mixed[: height * PATCHES, : width * PATCHES] = (
        pieces[order].reshape(PATCHES, PATCHES, height, width).swapaxes(1, 2).reshape(inside.shape)
    )
    return mixed


ALTERED: Final[dict[str, Callable[[NDArray[np.float32], Mask], NDArray[np.float32]]]] = {
    WHOLE: lambda pixels, _: pixels,
    **{name: REGIONS[name] for name in ("lungs only", REMOVED, "border only", "corners only")},
    SILHOUETTE: silhouette,
    SHUFFLED: patches_shuffled,
}
"""Name -> (pixels (H, W), lungs (H, W)) -> altered pixels."""


def audit_shortcuts(classifier: Classifier, table: pd.DataFrame, out: Path, most: int = MOST) -> dict[str, Any]:
    """Write `shortcuts.json` to `out` and return its content; an interrupted call continues.

    most: images that are used at most, evenly chosen. Raises DataError where the training or test images do not hold
    the finding and others.
    """
    rows = table[table["split"].isin(["train", "test"])].reset_index(drop=True)
    rows = rows.iloc[:: max(1, -(-len(rows) // most))].reset_index(drop=True)
    for split in ("train", "test"):
        if len(set(rows.loc[rows["split"] == split, "label"] == FINDING)) < 2:
            raise DataError(f"The manifest needs {split} images with {FINDING} and with other labels.")
    features = _features(classifier, rows, out)
    probes = Probes(rows)
    report: dict[str, Any] = {
        "model": classifier.key,
        "weights_sha256": classifier.weights_digest,
        "data_hash": data_hash(table),
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "finding": FINDING,
        "without_lungs": SILHOUETTE if classifier.card.preprocessing.region == "lungs" else REMOVED,
        "images": {split: int((rows["split"] == split).sum()) for split in ("train", "test")},
        "matrix": {one: {other: probes.auc(features[one], features[other]) for other in ALTERED} for one in ALTERED},
        "without_network": {
            name: probes.auc(values, values)
            for name, values in (*((name, features[name]) for name in (THUMBNAIL, HISTOGRAM)), (METADATA, metadata(rows)))
        },
        "source": {name: probes.source(features[name]) for name in ALTERED},
        "leave_one_out": probes.leave_one_out(features[WHOLE]),
        "marker_flips": probes.mean(features[MARKED][:, 0]),
    }
    without = report["without_lungs"]
    own = {name: report["matrix"][name][name]["value"] for name in (WHOLE, without)}
    report["shortcut_ratio"] = (own[without] - 0.5) / (own[WHOLE] - 0.5) if own[WHOLE] > 0.5 else None
    report = rounded(report)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / SHORTCUTS, report)
    parts = out / "shortcuts.parts"
    for path in parts.iterdir():
        path.unlink()
    parts.rmdir()
    return report


def metadata(rows: pd.DataFrame) -> NDArray[np.float32]:
    """(n, values) one column for each view, sex and age band."""
    groups = [pd.get_dummies(GROUPINGS[key].of(rows)) for key in ("view", "sex", "age")]
    return np.concatenate([part.to_numpy(np.float32) for part in groups], axis=1)


def _features(classifier: Classifier, rows: pd.DataFrame, out: Path) -> Features:
    """Name -> (n, features), read from disk where an earlier call computed them."""
    parts = out / "shortcuts.parts"
    parts.mkdir(parents=True, exist_ok=True)
    found = []
    with ProgressLog("auditing shortcuts", len(rows)) as log:
        for start in range(0, len(rows), EVERY):
            chunk = rows.iloc[start : start + EVERY]
            name = sha256("".join([classifier.weights_digest, *chunk["digest"]]).encode()).hexdigest()[:32]
            path = parts / f"{name}.npz"
            if not path.is_file():
                made = list(in_order(partial(_of_image, classifier), chunk["path"]))
                write_arrays(path, {key: np.stack([one[key] for one in made]) for key in made[0]})
            found.append(read_arrays(path))
            log.add(len(chunk))
    return {key: np.concatenate([part[key] for part in found]).astype(np.float32) for key in found[0]}


def _of_image(classifier: Classifier, path: str, _: Progress) -> Features:
    image = load_image(Path(path))
    lungs = classifier.segmenter.find(image.pixels)
    shown = {name: alter(image.pixels, lungs.mask) for name, alter in ALTERED.items()}
    shown[MARKED] = edited(image.pixels, [MARKER])
    batch = [classifier.prepare(image.altered(pixels), lungs).batch for pixels in shown.values()]
    outputs = classifier.forward.run(np.concatenate(batch), (LOGITS, EMBEDDING))
    found: Features = dict(zip(ALTERED, outputs[EMBEDDING].astype(np.float16), strict=False))
    called = classifier.probabilities(outputs[LOGITS]).argmax(axis=1)
    found[MARKED] = np.array([called[-1] != called[0]], np.float32)
    found[THUMBNAIL] = resized(image.pixels, (8, 8)).ravel()
    counts = np.histogram(image.pixels, GREY_LEVELS, (0, 1))[0]
    found[HISTOGRAM] = (counts / image.pixels.size).astype(np.float32)
    return found


class Probes:
    """Logistic regressions fitted on the train rows and scored on the test rows, with intervals by patient."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._train, self._test = ((rows["split"] == split).to_numpy() for split in ("train", "test"))
        self._truth = (rows["label"] == FINDING).to_numpy()
        self._source = rows["source"].to_numpy(str)
        self._patients = rows["patient"].to_numpy(str)

    def auc(self, fitted_on: NDArray[np.float32], tested_on: NDArray[np.float32]) -> dict[str, Any]:
        """AUC of the finding: fitted on one kind of features (n, f), tested on another."""
        probe = _fit(fitted_on[self._train], self._truth[self._train])
        return self._auc_of(probe(tested_on), self._test)

    def source(self, features: NDArray[np.float32]) -> dict[str, Any]:
        """Balanced accuracy of naming the source of an image."""
        number = np.unique(self._source, return_inverse=True)[1]
        if len(set(number[self._train])) < 2:
            return self.mean(np.full(len(number), np.nan))
        guess = _fit(features[self._train], number[self._train])(features[self._test])
        known = np.unique(number[self._train])
        place = guess.argmax(axis=1) if guess.ndim > 1 else (guess > 0).astype(int)
        return asdict(patient_interval(self._patients[self._test], balanced_accuracy(number[self._test], known[place])))

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

    def mean(self, values: NDArray[np.floating], inside: Mask | None = None) -> dict[str, Any]:
        """The mean over some rows, by default the test rows."""
        chosen = self._test if inside is None else inside
        shown = values[chosen].astype(np.float64)
        return asdict(patient_interval(self._patients[chosen], lambda weights: weights @ shown / weights.sum(axis=1)))

    def _auc_of(self, score: NDArray[np.float64], inside: Mask) -> dict[str, Any]:
        ranked = Ranked(self._truth[inside], score[inside])
        return asdict(patient_interval(self._patients[inside], lambda weights: ranked.under(weights).auc()))


def _fit(features: NDArray[np.float32], label: NDArray[Any]) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """A logistic regression with equal weight for each class: features (n, f) -> scores, above 0 for the second of two."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    fitted = LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000).fit((features - mean) / scale, label)
    return lambda rows: np.asarray(fitted.decision_function((rows - mean) / scale), np.float64)
