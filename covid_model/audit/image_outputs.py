"""A classifier's outputs for the images of a manifest by an engine, for reports on more images than one process can do."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_model.api.model import Model
from covid_model.backends.base import EMBEDDING, LOGITS, Progress
from covid_model.engines.engine import FoundOn
from covid_model.engines.work import Row, half_precision
from covid_model.images.xray_image import XrayImage
from covid_model.models.classifier import Classifier
from covid_model.progress import ProgressLog


def outputs(model: Model, image: XrayImage, settings: Mapping[str, Any], progress: Progress) -> Row:
    """Logits (units,) and embedding (features,) of one image, as `engines.work.ImageFunction`."""
    found = model.classifier.forward.run(model.classifier.prepare(image).batch, (LOGITS, EMBEDDING))
    return {
        LOGITS: found[LOGITS][0].astype(float).tolist(),
        EMBEDDING: half_precision(found[EMBEDDING][0]),
    }


def outputs_by(
    work_on: FoundOn, classifier: Classifier, table: pd.DataFrame
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """As `evaluation.outputs.image_outputs`. work_on: who works on the images; raises what it does."""
    with ProgressLog(f"{classifier.key}: images", len(table)) as shown:
        found = dict(shown.counted(work_on(Model(classifier), outputs, table["path"], None)))
    logits, features = (np.array([found[path][name] for path in table["path"]]) for name in (LOGITS, EMBEDDING))
    return logits.astype(np.float32), features.astype(np.float16)
