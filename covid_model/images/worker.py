"""Decoding in worker processes, of which all threads share a small pool."""

import atexit
import json
import os
import queue
import struct
from typing import Any, Final

import numpy as np

from covid_model.errors import ImageError
from covid_model.images.xray_image import XrayImage
from covid_model.sandbox import Buffer, ChildError, Limits, Why, Worker

WORKERS: Final = 2
MEMORY_MB: Final = 400
"""Enough for an image of the largest size; with its libraries a worker stays below 500 MB."""
SECONDS: Final = 1.5
SECONDS_PER_MB: Final = 0.5
"""Processor time for each 2^20 bytes of a file: real images of 20 million pixels are compressed to 10 MB and more."""
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LENGTH: Final = struct.Struct("<Q")

SENTENCES: Final[dict[Why, str]] = {
    "memory": f"Reading the file takes more than {MEMORY_MB} MB of memory; export the image smaller or uncompressed.",
    "time": "Reading the file takes too long; export the image smaller or uncompressed.",
    "crash": "The file is damaged in a way that stops its decoder; export the image again.",
}


class Pool:
    """Idle workers; the one used last is used first, so that a server with little load keeps one process."""

    def __init__(self) -> None:
        self.workers: list[Worker] = []
        self.idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._inherited: list[Worker] = []
        self.renew()

    def renew(self) -> None:
        """Replace the workers by ones that have not started, since a forked child must not use its parent's pipes."""
        self._inherited += self.workers
        self.workers = [
            Worker("covid_model.images.worker:answered", Limits(MEMORY_MB, SECONDS), ONE_THREAD) for _ in range(WORKERS)
        ]
        self.idle = queue.LifoQueue()
        for worker in self.workers:
            self.idle.put(worker)

    def close(self) -> None:
        """End the workers; the next image starts one."""
        for worker in self.workers:
            worker.close()


POOL: Final = Pool()
atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.renew)


def decoded(data: bytes) -> XrayImage:
    """`decode(data)` in a worker. Raises ImageError as `decode` does, and where the worker fails."""
    idle = POOL.idle
    worker = idle.get()
    try:
        answer = worker.ask(data, SECONDS + SECONDS_PER_MB * len(data) / 2**20)
    except ChildError as error:
        if error.why == "start":
            raise ImageError(f"The image reader cannot be started ({error}); reinstall the program.") from error
        raise ImageError(SENTENCES[error.why]) from None
    finally:
        idle.put(worker)
    return _unpacked(answer)


def answered(data: bytes) -> list[Buffer]:
    """In the worker: pixels, then the other fields as JSON, then the JSON's length."""
    from covid_model.images.decode import decode

    image = decode(data)
    fields: dict[str, Any] = {
        "shape": image.shape,
        "digest": image.digest,
        "source_kind": image.source_kind,
        "view": image.view,
        "spacing_mm": image.spacing_mm,
        "notes": image.notes,
    }
    text = json.dumps(fields).encode()
    return [image.pixels.data.cast("B"), text, LENGTH.pack(len(text))]


def _unpacked(answer: bytes) -> XrayImage:
    end = len(answer) - LENGTH.size
    (length,) = LENGTH.unpack_from(answer, end)
    fields = json.loads(answer[end - length : end])
    height, width = fields.pop("shape")
    spacing, notes = fields.pop("spacing_mm"), tuple(fields.pop("notes"))
    pixels = np.frombuffer(answer, np.float32, height * width).reshape(height, width)
    return XrayImage(pixels, spacing_mm=tuple(spacing) if spacing else None, notes=notes, **fields)
