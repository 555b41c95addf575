"""Metrics of a run as a reader sees them while they grow."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from covid_model.errors import RunError
from covid_model.training.history import MetricsReader, thinned
from covid_model.training.run_folder import RunFolder


def step(number: int) -> dict:
    return {"kind": "step", "step": number, "loss": 1 / number}


def test_each_look_reads_only_what_is_new(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    reader = MetricsReader(run)
    assert all(table.empty for table in reader.look())
    run.create({})
    run.append(step(1))
    assert reader.look()[0]["step"].tolist() == [1]
    with (run.path / "metrics.jsonl").open("a") as stream:
        stream.write(json.dumps({"kind": "epoch", "epoch": 1, "confusion": [[1, 2], [3, 4]]}) + '\n{"kind": "st')
    steps, epochs = reader.look()
    assert steps["step"].tolist() == [1], "a line still being written waits"
    assert [list(row) for row in epochs["confusion"].iloc[0]] == [[1, 2], [3, 4]]
    with (run.path / "metrics.jsonl").open("a") as stream:
        stream.write('ep", "step": 2, "loss": 0.5}\n')
    assert reader.look()[0]["step"].tolist() == [1, 2]
    assert reader.look()[1]["epoch"].tolist() == [1]


def test_a_run_that_went_back_to_its_checkpoint_is_read_anew(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create({})
    run.append(step(1))
    size = run.metrics_size()
    for number in (2, 3):
        run.append(step(number))
    reader = MetricsReader(run)
    assert len(reader.look()[0]) == 3
    run.cut_metrics(size)
    assert reader.look()[0]["step"].tolist() == [1]
    run.append(step(2))
    assert reader.look()[0]["step"].tolist() == [1, 2]


def test_damaged_metrics_are_one_sentence(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create({})
    (run.path / "metrics.jsonl").write_text("{}}\n")
    with pytest.raises(RunError, match="metrics of run are damaged"):
        MetricsReader(run).look()


def test_a_thinned_curve_keeps_its_peaks() -> None:
    values = pd.Series(np.sin(np.arange(100_000) / 5000))
    values[54_321] = 9.0
    kept = thinned(values, 500)
    assert len(kept) <= 500
    assert 54_321 in kept
    assert (np.diff(kept) > 0).all()
    assert thinned(values[:400], 500).tolist() == list(range(400))
