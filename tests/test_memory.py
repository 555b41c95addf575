"""A server gives back the memory that a large batch took, and computes the same."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import re, sys
import numpy as np
from pathlib import Path
from covid_model.memory import return_memory, spare_memory
from covid_model.backends.onnx import OnnxBackend

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

if sys.argv[2] == "server":
    spare_memory()
backend = OnnxBackend(Path(sys.argv[1]))
before = anonymous()
found = backend.run(np.random.default_rng(0).random((8, *backend.input_shape), np.float32))
return_memory()
print(anonymous() - before, found["logits"].tobytes().hex())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_a_server_keeps_no_memory_of_a_large_batch() -> None:
    graph = Path(__file__).resolve().parents[1] / "covid_model" / "weights" / "lungs.onnx"
    kept, logits = {}, {}
    for kind in ("server", "command line"):
        printed = subprocess.run([sys.executable, "-c", SCRIPT, graph, kind], capture_output=True, text=True, check=True)
        megabytes, logits[kind] = printed.stdout.split()
        kept[kind] = int(megabytes)
    assert kept["server"] < 15, "megabytes"
    assert kept["server"] < kept["command line"] - 30, "ONNX Runtime's pool keeps what a batch took"
    assert logits["server"] == logits["command line"]
