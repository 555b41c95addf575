"""A worker's process: one model, and the rows of the images that it is asked for. Imported there, by `worker`."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from covid_model.api.load import load_model
from covid_model.api.model import Model
from covid_model.archive.addresses import read_address
from covid_model.archive.task import Row, Task
from covid_model.backends.base import Progress, use_one_thread
from covid_model.errors import CovidModelError, ModelError
from covid_model.images.read import read_image
from covid_model.images.xray_image import XrayImage
from covid_model.share.batch import heatmaps, method_row, prediction_row
from covid_model.threads import in_order

READ_AHEAD: Final = 4
"""Images fetched and decoded while one is explained; addresses on a network answer late."""


def answered(request: bytes) -> bytes:
    """The rows of the request's addresses in their order, both as JSON.

    Raises ModelError where the weights here are not those of the task.
    """
    asked = json.loads(request)
    task = Task.read(asked["task"])
    return json.dumps(rows(_model(task.model, task.model_digest), task, asked["addresses"]), allow_nan=False).encode()


@lru_cache(maxsize=1)
def _model(key: str, digest: str) -> Model:
    use_one_thread()
    model = load_model(key)
    if model.classifier.weights_digest != digest:
        raise ModelError(f"A worker has other weights of model {key!r} than this machine; install the same version on both.")
    return model


def rows(model: Model, task: Task, addresses: Sequence[str]) -> list[Row]:
    """One row an address; an image that fails has its sentence in `error`."""

    def read(address: str, _: Progress) -> XrayImage | CovidModelError:
        try:
            return read_image(read_address(address))
        except CovidModelError as error:
            return error

    images = zip(addresses, in_order(read, addresses, READ_AHEAD), strict=True)
    return [_row(model, task, address, image) for address, image in images]


def _row(model: Model, task: Task, address: str, image: XrayImage | CovidModelError) -> Row:
    if isinstance(image, CovidModelError):
        return task.row(address, error=str(image))
    row = task.row(address)
    try:
        prediction = model.predict(image, force=task.job.force)
        row |= prediction_row(prediction)
        for result in heatmaps(model, image, task.job, prediction):
            record = None
            if task.heatmaps:
                # Two letters of the digest make folders that a file system with a million images can list.
                folder = Path(task.heatmaps) / image.digest[:2]
                record = f"{image.digest[:2]}/{result.save(folder, f'{image.digest[:16]}.{result.explanation.method}').name}"
            row |= method_row(result, record)
    except CovidModelError as error:
        row["error"] = str(error)
    return row
