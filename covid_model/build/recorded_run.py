"""A recorded run that may ship: settings, metrics and heatmaps of drawn images, without images of patients."""

from pathlib import Path

import numpy as np

from covid_model.errors import RunError
from covid_model.files import write_json
from covid_model.training.history import map_epochs, read_maps
from covid_model.training.run_folder import RunFolder, state_of


def record_run(run: RunFolder, folder: Path) -> RunFolder:
    """Copy a finished run to `folder`, without checkpoints and images of patients. Raises RunError for other runs."""
    if state_of(run) != "finished":
        raise RunError(f"Only a finished run can be recorded; {run.name} is {state_of(run)}.")
    out = RunFolder(folder / run.name)
    out.create({name: value for name, value in run.config().items() if name != "manifest"})
    (out.path / "checkpoint").rmdir()
    (out.path / "metrics.jsonl").write_bytes((run.path / "metrics.jsonl").read_bytes())
    kept = {name: value for name, value in run.status().items() if name not in ("pid", "started")}
    write_json(out.path / "status.json", kept)
    for path in map_epochs(run).values():
        found = read_maps(path)
        drawn = found["drawn"]
        np.savez_compressed(out.path / "maps" / path.name, **{name: values[drawn] for name, values in found.items()})
    return out
