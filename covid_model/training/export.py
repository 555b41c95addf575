"""From a finished run to weights with a card, calibrated on the validation split."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from covid_model import __version__
from covid_model.backends.tensorflow import TensorFlowBackend
from covid_model.data.manifest import data_hash
from covid_model.evaluation.calibrate import fit_temperature, operating_points
from covid_model.evaluation.cases import Cases
from covid_model.evaluation.outputs import image_outputs
from covid_model.evaluation.parts import scored_whole
from covid_model.files import file_sha256
from covid_model.lungs.segment import LungSegmenter
from covid_model.models.calibration import calibrated
from covid_model.models.card import Card, write_card
from covid_model.models.classifier import Classifier
from covid_model.models.float16_weights import write_float16_weights
from covid_model.models.specs import ModelSpec
from covid_model.training.config import TrainConfig
from covid_model.training.recipes import Recipe

if TYPE_CHECKING:
    import keras


def export_model(
    network: "keras.Model",
    row: ModelSpec,
    config: TrainConfig,
    recipe: Recipe,
    table: pd.DataFrame,
    folder: Path,
    segmenter: LungSegmenter,
) -> Path:
    """Write weights and card of a trained network to `folder`; returns the card's path.

    table: the rows it was trained and validated on, with the recipe's split. Temperature and operating points are fitted on
    the validation rows; their scores go to the card as those of the recipe's own split.
    """
    weights = folder / row.weights_name
    if row.float16:
        write_float16_weights(network, weights)
    else:
        network.save(weights)
    known = table[table["label"].isin(row.labels)]
    card = Card.of(
        row,
        temperature=1.0,
        thresholds={},
        training={
            "settings": config.as_dict(),
            "data_hash": data_hash(table),
            "images": known.groupby(["split", "source", "label"]).size().rename("images").reset_index().to_dict("records"),
            "split": "by image" if recipe.by_image else "by patient",
            "silent": list(recipe.silent),
            "changes": list(recipe.changes),
        },
        weights_sha256=file_sha256(weights),
        date=datetime.now(UTC).isoformat("T", "seconds"),
        version=__version__,
    )
    val = known[known["split"] == "val"]
    logits, _ = image_outputs(Classifier(row.key, card, TensorFlowBackend(network), card.weights_sha256, segmenter), val)
    label = val["label"].map(row.class_of).to_numpy(np.int64)
    temperature = fit_temperature(logits, label)
    shares = calibrated(logits, temperature)
    thresholds = operating_points(shares, label, row.classes)
    own = scored_whole(Cases(row.classes, label, shares, val["patient"].to_numpy(str)), thresholds)
    card = replace(card, training={**card.training, "own_split": own})
    path = folder / row.card_name
    write_card(card.with_calibration(temperature, thresholds), path)
    return path
