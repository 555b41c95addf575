"""From a trained network to weights with a card: calibration on the validation split, then everything written together."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from covid_model import __version__
from covid_model.data.manifest import data_hash
from covid_model.evaluation.calibrate import fit_temperature, operating_points
from covid_model.evaluation.report import film_logits
from covid_model.lungs.segment import LungSegmenter
from covid_model.training.classifier import ClassifierTraining, train_classifier
from covid_model.zoo.calibration import calibrated
from covid_model.zoo.card import Card, file_sha256, write_card
from covid_model.zoo.classifier import Classifier
from covid_model.zoo.models import get_model


def train_and_write_card(key: str, table: pd.DataFrame, folder: Path, settings: ClassifierTraining) -> Path:
    """Train the model `key`, fit temperature and operating points, write `<key>.keras` and its card; returns the card."""
    row = get_model(key)
    segmenter = LungSegmenter.load()
    weights = folder / row.weights_name
    network = train_classifier(row, table, segmenter, weights, settings)
    card = Card(
        key=key,
        title=row.title,
        summary=row.summary,
        architecture=row.architecture,
        classes=row.classes,
        preprocessing=row.preprocessing,
        explanation_layers=row.explanation_layers,
        temperature=1.0,
        thresholds={},
        training={
            "settings": settings.as_dict(),
            "data_hash": data_hash(table),
            "films": table.groupby(["split", "source", "label"]).size().rename("films").reset_index().to_dict("records"),
            "start": "ImageNet (lite0-imagenet)",
        },
        weights_sha256=file_sha256(weights),
        date=datetime.now(UTC).isoformat("T", "seconds"),
        version=__version__,
        limits=row.limits,
    )
    val = table[table["split"] == "val"]
    logits = film_logits(Classifier(key, card, network, card.weights_sha256, segmenter), val)
    label = val["label"].map(row.classes.index).to_numpy(np.int64)
    temperature = fit_temperature(logits, label)
    thresholds = operating_points(calibrated(logits, temperature), label, row.classes)
    path = folder / row.card_name
    write_card(card.with_calibration(temperature, thresholds), path)
    return path
