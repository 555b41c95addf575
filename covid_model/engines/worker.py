"""One worker of an engine: a warm child process with one model, replaced when it dies."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from covid_model.backends.base import Progress, silent
from covid_model.engines.work import Row, Work
from covid_model.errors import ModelError
from covid_model.sandbox import ChildError, Limits, Why, Worker

MEMORY_MB: Final = 6000
"""Many times what a model with TensorFlow takes; so that one image cannot take the machine from the others."""
SECONDS: Final = 120.0
"""Processor time for a start, and again for each heatmap; the slowest methods take a tenth of it."""
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")

SENTENCES: Final[dict[Why, str]] = {
    "memory": "The worker was ended twice at this image, as the system does when memory is short; try it alone.",
    "time": f"The image takes more than {SECONDS:.0f} seconds a heatmap; choose a faster method.",
    "crash": "The worker crashed twice at this image; try it alone, and report it if it fails there, too.",
}


class ImageWorker:
    """Rows of batches of addresses. Not for several threads at once.

    A batch whose child dies is asked for again, image by image, in a new child; the image at which a child dies again gets a
    row with an error. So a killed process costs no row, and an image that kills costs its own alone.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._worker = Worker("covid_model.engines.child:answered", Limits(MEMORY_MB, SECONDS, files=True), ONE_THREAD)

    @property
    def process_id(self) -> int | None:
        """Process id of the child, or None before the first batch."""
        return self._worker.process_id

    def __call__(self, addresses: Sequence[str], progress: Progress = silent) -> list[Row]:
        """One row an address, in their order. progress: called before each repetition; what it raises cancels.

        Raises ModelError where no child can be started or the child has other weights.
        """
        try:
            return self._asked(addresses)
        except ChildError as error:
            if error.why == "start":
                raise ModelError(f"A worker cannot be started ({error}); reinstall the program.") from error
        return [self._again(address, progress) for address in addresses]

    def close(self) -> None:
        """End the child."""
        self._worker.close()

    def _asked(self, addresses: Sequence[str]) -> list[Row]:
        request = json.dumps({"work": asdict(self._work), "addresses": list(addresses)}).encode()
        seconds = SECONDS * (1 + len(addresses) * self._work.heatmaps)
        found: list[Row] = json.loads(self._worker.ask(request, seconds))
        return found

    def _again(self, address: str, progress: Progress) -> Row:
        progress(0.0)
        try:
            return self._asked([address])[0]
        except ChildError as error:
            return {"address": address, "error": SENTENCES.get(error.why, SENTENCES["crash"])}
