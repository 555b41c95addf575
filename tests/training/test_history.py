"""Metrics of a run as a reader sees them while they grow."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from covid_model.errors import RunError
from covid_model.training.history import MetricsReader, thinned
from covid_model.training.run_folder import RunFolder
from covid_model.training.runs_table import runs_table
from covid_model.training.trainer import Trainer


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


def test_preparation_is_noted_in_the_status_once_a_second_and_at_its_end(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create({})
    trainer: Trainer = Trainer(run, None)  # type: ignore[type-var]
    for done in (1, 2, 3):
        trainer._report(done, 9)
    assert (run.status()["state"], run.status()["prepared"], run.status()["to_prepare"]) == ("starting", 1, 9)
    trainer._report(9, 9)
    assert run.status()["prepared"] == 9


def test_runs_in_a_table_show_the_best_epoch_and_only_what_differs(tmp_path: Path) -> None:
    runs = {name: RunFolder(tmp_path / name) for name in ("one", "two")}
    for (name, run), seed in zip(runs.items(), (0, 5), strict=True):
        run.create({"model": "lungs", "seed": seed, "batch": 32, "manifest": f"/{name}"})
        run.set_status("finished")
    for epoch, loss, auc in ((1, 0.5, 0.8), (2, 0.4, 0.9), (3, 0.6, 0.7)):
        line = {"kind": "epoch", "epoch": epoch, "step": epoch, "time": 1.0, "val_loss": loss, "val_accuracy": 0.5}
        runs["one"].append({**line, "val_auc/A": auc, "val_auc/B": auc - 0.2})
    table = runs_table(runs, {name: MetricsReader(run).look() for name, run in runs.items()}).set_index("run")
    found = table.loc["one"]
    assert (found["epochs done"], found["best epoch"], found["loss"], found["AUC"]) == (3, 2, 0.4, pytest.approx(0.8))
    assert table["seed"].tolist() == ["0", "5"]
    assert not {"batch", "manifest"} & set(table.columns)
    assert table.loc["two", "epochs done"] == 0
    assert np.isnan(table.loc["two", "AUC"])
