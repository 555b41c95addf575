"""Pass lines of one method for a model without an audit record, from a few images: what a page can measure in a minute."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

import numpy as np

from covid_model import __version__
from covid_model.api.model import Model
from covid_model.audit.audit_model import pairs_of
from covid_model.backends.base import Progress, silent
from covid_model.errors import DataError
from covid_model.evaluation.bootstrap import mean_interval
from covid_model.images.xray_image import XrayImage
from covid_model.models.predict import predict
from covid_model.trust.audit_record import AuditRecord
from covid_model.trust.trust_tests.randomisation import cascade

FEWEST: Final = 6
"""Images below which pairs of heatmaps say little about unrelated images."""


def small_record(
    model: Model, method: str, images: Sequence[XrayImage], *, seed: int = 0, progress: Progress = silent
) -> AuditRecord:
    """An audit record with the pass lines of one method, as `audit_model.of_method` measures them on a manifest.

    images: of different patients, such as the shipped synthetic ones; a few give wider errors than an audit's 40 images.
    progress: called after each image; what it raises ends the work. Raises DataError for fewer than FEWEST images.
    """
    if len(images) < FEWEST:
        raise DataError(f"Pass lines need {FEWEST} images of different patients. Received: {len(images)}.")
    maps, similar, seconds = [], [], []
    for number, image in enumerate(images, 1):
        inputs = model.explain(image, method, prediction=predict(model.classifier, image)).inputs
        maps.append(inputs.small_map)
        similar.append(cascade(inputs, 1)[-1]["ssim"])
        seconds.append(inputs.explanation.seconds)
        progress(number / len(images))
    pairs = pairs_of(maps, np.random.default_rng(seed))
    similarity = mean_interval([image.digest for image in images], np.array(similar))
    of_method = {
        "images": len(images),
        "pairs": pairs,
        "randomisation": asdict(similarity),
        "seconds": float(np.median(seconds)),
    }
    return {
        "model": model.key,
        "weights_sha256": model.classifier.weights_digest,
        "date": datetime.now(UTC).isoformat("T", "seconds"),
        "version": __version__,
        "methods": {method: of_method},
    }
