"""What a model's features say of source, view, sex, age and markers, and whether its logits follow: `audit --attributes`.

Everything is measured among images of one label at a time, so that what merely goes along with the disease does not count;
docs/attributes.md says how.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from covid_model import __version__
from covid_model.audit.attribute_tests import Stratum, encoded, sensitive, used
from covid_model.audit.dense_features import DenseFeatures, ImageFeatures
from covid_model.backends.base import Progress
from covid_model.data.filters import UNKNOWN
from covid_model.data.manifest import data_hash
from covid_model.errors import DataError
from covid_model.evaluation.groups import GROUPINGS, LEAST
from covid_model.evaluation.report import rounded
from covid_model.files import write_json
from covid_model.images.image_stats import image_stats
from covid_model.images.read import load_image
from covid_model.models.classifier import Classifier
from covid_model.threads import in_order
from covid_model.trust.ledger import attributes_path

MOST: Final = 1500
"""Images at most; of a larger manifest a random part."""
MARKED: Final = 2
"""An image with at least this many letter-like shapes near its edges counts as marked."""
LETTERS: Final = "letters"


def audit_attributes(classifier: Classifier, table: pd.DataFrame, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Measure every attribute on images that were not trained on, write `<model>.attributes.json` to `folder`, return it.

    Raises DataError where the manifest has no such images of a label that the model knows.
    """
    known = table[(table["split"] != "train") & table["label"].isin(classifier.card.labels)]
    if known.empty:
        raise DataError("The manifest has no validation or test images of the model's labels; build it with more images.")
    rows = known.sample(min(MOST, len(known)), random_state=seed).reset_index(drop=True)
    features = DenseFeatures(classifier)
    found, letters = _measured(classifier, features, rows)
    rows = rows.assign(**{LETTERS: letters})
    record = {
        "model": classifier.key,
        "weights_sha256": classifier.weights_digest,
        "data_hash": data_hash(table),
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "images": len(rows),
        "patients": int(rows["patient"].nunique()),
        "attributes": {key: _attribute(classifier, features, found, rows, groups(rows)) for key, groups in GROUPS.items()},
    }
    record = rounded(record)
    write_json(attributes_path(classifier.key, folder), record)
    return record


def _measured(
    classifier: Classifier, features: DenseFeatures, rows: pd.DataFrame
) -> tuple[list[ImageFeatures], NDArray[np.int64]]:
    """Features of every image, and its count of letter-like shapes."""

    def measured(path: str, _: Progress) -> tuple[ImageFeatures, int]:
        image = load_image(Path(path))
        return features.of(classifier.prepare(image).batch), image_stats(image).letters

    shown = tqdm(rows["path"], desc=f"{classifier.key}: features", unit="image", disable=None)
    pairs = list(in_order(measured, shown))
    return [one for one, _ in pairs], np.array([count for _, count in pairs])


def _view(rows: pd.DataFrame) -> pd.Series:
    """PA or AP; lying patients are exposed from the front as well. Who only says "frontal" says neither."""
    view = GROUPINGS["view"].of(rows).str.upper().replace({"AP SUPINE": "AP"})
    return view.where(view.isin(["PA", "AP"]), UNKNOWN)


def _markers(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(np.where(rows[LETTERS] >= MARKED, "marked", "unmarked"), index=rows.index)


GROUPS: Final[Mapping[str, Callable[[pd.DataFrame], pd.Series]]] = {
    "source": GROUPINGS["source"].of,
    "view": _view,
    "sex": GROUPINGS["sex"].of,
    "age": GROUPINGS["age"].of,
    "markers": _markers,
}
"""Key of ATTRIBUTES -> the group of each manifest row."""


def strata_of(rows: pd.DataFrame, groups: pd.Series) -> dict[str, Stratum]:
    """Label -> its images in groups of at least LEAST images of that label; only labels with two such groups.

    rows: as in a manifest, numbered from 0. groups: (n,) text; UNKNOWN is no group.
    """
    found = {}
    for label in sorted(rows["label"].unique()):
        inside = groups[(rows["label"] == label) & (groups.str.casefold() != UNKNOWN)]
        counts = inside.value_counts()
        kept = inside[inside.isin(counts.index[counts >= LEAST])]
        if kept.nunique() > 1:
            place = kept.index.to_numpy()
            found[label] = Stratum(place, kept.to_numpy(str), rows["patient"].to_numpy(str)[place])
    return found


def _attribute(
    classifier: Classifier, features: DenseFeatures, found: list[ImageFeatures], rows: pd.DataFrame, groups: pd.Series
) -> dict[str, Any]:
    """Encoded, used, and sensitive for one attribute; all None where its groups are too small, the last for networks with
    one dense layer as well.
    """
    strata = strata_of(rows, groups)
    parts, classes = list(strata.values()), classifier.card.classes
    counts = {label: dict(zip(*np.unique(part.group, return_counts=True), strict=True)) for label, part in strata.items()}
    record: dict[str, Any] = {
        "groups": {label: {str(name): int(count) for name, count in cells.items()} for label, cells in counts.items()},
        "images": sum(len(part.rows) for part in parts),
        "patients": len({name for part in parts for name in part.patients}),
        **dict.fromkeys(("encoded", "used", "sensitive")),
    }
    if not parts:
        return record
    last = np.stack([one.last for one in found]).astype(np.float64)
    logits = np.stack([one.logits for one in found]).astype(np.float64)
    directed = classes[-1:] if logits.shape[1] == 1 else classes
    record["encoded"] = encoded(last, parts)
    record["used"] = used(logits, parts, directed, last, features.weights)
    if found[0].slopes is not None:
        first = np.stack([one.first for one in found if one.first is not None]).astype(np.float64)
        slopes = np.stack([one.slopes for one in found if one.slopes is not None])
        name, group = record["used"]["class"], record["used"]["group"]
        share = sensitive(first, slopes, parts, (directed.index(name), group))
        record["sensitive"] = {"class": name, "group": group, **share}
    return record
