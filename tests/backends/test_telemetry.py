"""Nothing is reported to the makers of a library: no identifier, no queue of events in the user's folders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from covid_model.data.synthetic_samples import shipped_samples

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="looks where ONNX Runtime keeps its reports on Linux")
def test_a_prediction_leaves_nothing_of_onnx_runtime_in_the_users_folders(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR")}
    for folder in folders.values():
        folder.mkdir()
    # it does not report from tests and where CI is set, so that neither may be known here
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "ORT_", "GITHUB_", "PYTEST"))}
    image = next(iter(shipped_samples().values())).path
    kept |= {name: str(folder) for name, folder in folders.items()}
    command = [sys.executable, "-m", "covid_model", "predict", str(image)]
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "COVID-19" in done.stdout
    left = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert not [name for name in left if "onnxruntime" in name or "Microsoft" in name or name.endswith(".ses")], left
