"""What a worker finds on one image of an archive: prediction and heatmaps as a row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from covid_model.api.model import Model
from covid_model.backends.base import Progress
from covid_model.engines.work import Row
from covid_model.images.xray_image import XrayImage
from covid_model.share.batch import Job, heatmaps, method_row, prediction_row


def explained(model: Model, image: XrayImage, settings: Mapping[str, Any], progress: Progress) -> Row:
    """The columns of `Task.schema` but for those that the archive adds. settings: as `Task.work` has them."""
    job = Job(**{**settings["job"], "methods": tuple(settings["job"]["methods"])})
    prediction = model.predict(image, force=job.force)
    row = prediction_row(prediction)
    for result in heatmaps(model, image, job, prediction, progress):
        record = None
        if settings["heatmaps"]:
            # Two letters of the digest make folders that a file system with a million images can list.
            folder = Path(settings["heatmaps"]) / image.digest[:2]
            record = f"{image.digest[:2]}/{result.save(folder, f'{image.digest[:16]}.{result.explanation.method}').name}"
        row |= method_row(result, record)
    return row
