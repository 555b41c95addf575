"""The peer of `explain FOLDER`: a loop over `Model.explain` in one process, and the bare networks over the same inputs.

    python -m benchmarks.one_by_one FOLDER OUT

Prints JSON: seconds of loading, of the loop (read, explain, save), and of nothing but ONNX Runtime's answers in it, made
again: each network once an image, with all that it was asked for.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from covid_model import load_model, read_image
from covid_model.backends.base import LOGITS, Array
from covid_model.backends.onnx import OnnxBackend

Calls = dict[tuple[int, bytes], tuple[OnnxBackend, Array, set[str]]]


@contextmanager
def noted_calls() -> Iterator[Calls]:
    """Every network and batch that ONNX Runtime is asked for within the block, with all outputs asked of it."""
    calls: Calls = {}
    original = OnnxBackend.run

    def run(self: OnnxBackend, batch: Array, outputs: Sequence[str] = (LOGITS,)) -> dict[str, Array]:
        calls.setdefault((id(self), sha256(batch.tobytes()).digest()), (self, batch, set()))[2].update(outputs)
        return original(self, batch, outputs)

    OnnxBackend.run = run  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        OnnxBackend.run = original  # type: ignore[method-assign]


def main() -> int:
    """Loop, then ask the networks again."""
    parser = argparse.ArgumentParser(description="explain images one by one in one process")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    start = time.perf_counter()
    model = load_model()
    loaded = time.perf_counter()
    files = sorted(arguments.folder.iterdir())
    with noted_calls() as calls:
        for file in files:
            model.explain(read_image(file), "gradcam").save(arguments.out, file.stem)
    done = time.perf_counter()
    for backend, batch, outputs in calls.values():
        backend.run(batch, tuple(outputs))
    again = time.perf_counter()
    found = {"load_s": loaded - start, "loop_s": done - loaded, "networks_s": again - done, "network_calls": len(calls)}
    print(json.dumps({"images": len(files), **found}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
