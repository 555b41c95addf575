"""A worker's process: one model, and the rows of the images that it is asked for. Imported there, by `worker`."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from covid_model.api.load import load_model
from covid_model.api.model import Model
from covid_model.backends.base import Progress, silent, use_one_thread
from covid_model.engines.addresses import read_address
from covid_model.engines.work import Row, Work
from covid_model.errors import CovidModelError, ModelError
from covid_model.images.read import read_image
from covid_model.images.xray_image import XrayImage
from covid_model.threads import in_order

READ_AHEAD: Final = 4
"""Images fetched and decoded while one is worked on; addresses on a network answer late."""


def answered(request: bytes) -> bytes:
    """The rows of the request's addresses in their order, both as JSON.

    Raises ModelError where the weights here are not those of the work.
    """
    asked = json.loads(request)
    work = Work(**asked["work"])
    return json.dumps(rows(_model(work.model, work.model_digest), work, asked["addresses"]), allow_nan=False).encode()


@lru_cache(maxsize=1)
def _model(key: str, digest: str) -> Model:
    use_one_thread()
    model = load_model(key)
    if model.classifier.weights_digest != digest:
        raise ModelError(f"A worker has other weights of model {key!r} than this machine; install the same version on both.")
    return model


def rows(model: Model, work: Work, addresses: Sequence[str]) -> list[Row]:
    """One row an address: its cells, or in `error` the sentence why there are none."""
    function = work.imported()

    def read(address: str, _: Progress) -> XrayImage | CovidModelError:
        try:
            return read_image(read_address(address))
        except CovidModelError as error:
            return error

    def row(address: str, image: XrayImage | CovidModelError) -> Row:
        try:
            if isinstance(image, CovidModelError):
                raise image
            return {"address": address, **function(model, image, work.settings, silent)}
        except CovidModelError as error:
            return {"address": address, "error": str(error)}

    images = zip(addresses, in_order(read, addresses, READ_AHEAD), strict=True)
    return [row(address, image) for address, image in images]
