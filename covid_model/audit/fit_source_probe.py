"""Fit the classifier of data sources on a model's embedding."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from covid_model import __version__
from covid_model.data.manifest import data_hash
from covid_model.evaluation.bootstrap import patient_interval
from covid_model.evaluation.cases import balanced_accuracy
from covid_model.images.read import load_image
from covid_model.models.classifier import Classifier
from covid_model.trust.source_probe import SourceProbe, embedding


def embeddings(classifier: Classifier, rows: pd.DataFrame) -> NDArray[np.float32]:
    """(images, features) of the manifest rows in their order."""
    paths = tqdm(rows["path"], desc=f"{classifier.key}: embedding", unit="image", disable=None)
    return np.concatenate(
        [embedding(classifier.forward, classifier.prepare(load_image(Path(path))).batch) for path in paths]
    )


def fit_probe(classifier: Classifier, table: pd.DataFrame) -> SourceProbe:
    """Multinomial logistic regression with equal weight for each source, fitted on the train, scored on the test split."""
    train, test = (table[table["split"] == split] for split in ("train", "test"))
    sources = tuple(sorted(train["source"].unique()))
    features = embeddings(classifier, train)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    fitted = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
    fitted.fit((features - mean) / scale, train["source"].map(sources.index))
    probe = SourceProbe(
        model=classifier.key,
        sources=sources,
        mean=mean,
        scale=scale,
        weights=fitted.coef_.astype(np.float32),
        bias=fitted.intercept_.astype(np.float32),
        balanced_accuracy={},
        images={str(name): int(count) for name, count in train["source"].value_counts().items()},
        weights_sha256=classifier.weights_digest,
        data_hash=data_hash(table),
        date=datetime.now(UTC).isoformat("T", "seconds"),
        version=__version__,
    )
    label = test["source"].map(sources.index).to_numpy(np.int64)
    predicted = probe.probabilities(embeddings(classifier, test)).argmax(axis=1)
    interval = patient_interval(test["patient"].to_numpy(str), balanced_accuracy(label, predicted))
    return replace(probe, balanced_accuracy=asdict(interval))
