"""The child process in which a model file from outside is loaded and run for the first time, and both ends of its pipe.

Keras is imported with this module, before the child's limits hold; the parent does not import it.
"""

import json
import tempfile
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import keras  # noqa: F401 (see above)
import numpy as np

from covid_model.models.inspecting import inspect, own_probabilities


def inspected(request: bytes) -> list[bytes]:
    """The bytes of a file -> what was found in it as a line of JSON, and its flat network's bytes. Raises ModelError."""
    with tempfile.TemporaryDirectory() as folder:
        path, flat = Path(folder) / "model", Path(folder) / "flat.keras"
        path.write_bytes(request)
        found = inspect(path, flat)
        return [json.dumps(asdict(found)).encode() + b"\n", flat.read_bytes()]


def predicted(request: bytes) -> bytes:
    """A line of JSON (head, length of the batch), the batch as .npy, a file's bytes -> its probabilities as .npy."""
    line, _, rest = bytes(request).partition(b"\n")
    asked = json.loads(line)
    batch = np.load(BytesIO(rest[: asked["length"]]), allow_pickle=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(rest[asked["length"] :])
        answer = BytesIO()
        np.save(answer, own_probabilities(path, batch, asked["head"]))
    return answer.getvalue()
