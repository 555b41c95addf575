"""Several devices and several processes train as one does."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from covid_model.errors import RunError
from covid_model.training.distribute import ReadOnlyRun, connect_workers
from covid_model.training.run_folder import RunFolder

COMMAND = [sys.executable, "-m", "covid_model", "train"]
TWO_DEVICES = """
import sys
import tensorflow as tf
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from covid_model.cli import models
from covid_model.cli.main import main
from covid_model.training.distribute import Workers
models.connect_workers = lambda way: Workers(0, 1, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
sys.exit(main(sys.argv[1:]))
"""


def settings(manifest: Path, epochs: int, steps: int) -> list[str]:
    flags = {"model": "steveroger", "manifest": manifest, "epochs": epochs, "steps": steps, "batch-size": 5}
    return [text for name, value in flags.items() for text in (f"--{name}", str(value))]


def workers(arguments: list[str], folder: Path) -> list[subprocess.Popen]:
    """Two trainers that know of each other, their output beside the run."""
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    started = []
    for index in range(2):
        place = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        with (folder / f"worker-{index}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [*COMMAND, *arguments, "--distribute", "multiworker"],
                    env={**os.environ, "TF_CONFIG": json.dumps(place)},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    return started


def losses(run: Path, kind: str = "epoch") -> list[tuple[int, float]]:
    found = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [(line["step"], line["loss"]) for line in found if line["kind"] == kind]


def test_two_workers_and_two_devices_have_the_loss_of_one_process(noisy_manifest: Path, tmp_path: Path) -> None:
    flags = settings(noisy_manifest, 2, 4)
    subprocess.run([*COMMAND, *flags, "--run", str(tmp_path / "one")], check=True, timeout=300, capture_output=True)
    both = workers([*flags, "--run", str(tmp_path / "two")], tmp_path)
    assert [each.wait(300) for each in both] == [0, 0], (tmp_path / "worker-0.log").read_text()[-2000:]
    mirrored = [sys.executable, "-c", TWO_DEVICES, "train", *flags, "--run", str(tmp_path / "mirrored")]
    subprocess.run(mirrored, check=True, timeout=300, capture_output=True)
    expected = np.array(losses(tmp_path / "one"))
    assert len(expected) == 2
    for name in ("two", "mirrored"):
        np.testing.assert_allclose(losses(tmp_path / name), expected, rtol=1e-4)
    assert (tmp_path / "two" / "steveroger.card.json").is_file()


def test_after_a_lost_worker_all_go_on_from_the_checkpoint(noisy_manifest: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    chief, other = workers([*settings(noisy_manifest, 4, 15), "--run", str(run)], tmp_path)
    deadline = time.monotonic() + 240
    while not ((run / "metrics.jsonl").is_file() and losses(run)):
        assert time.monotonic() < deadline
        assert chief.poll() is None, (tmp_path / "worker-0.log").read_text()[-2000:]
        time.sleep(0.05)
    other.kill()
    other.wait()
    assert chief.wait(240) == 1
    assert (
        "error: Another worker was lost; start all workers again with --resume." in (tmp_path / "worker-0.log").read_text()
    )
    assert RunFolder(run).status()["state"] == "stopped"
    before = losses(run)
    assert len(before) < 4
    both = workers(["--resume", str(run)], tmp_path)
    assert [each.wait(300) for each in both] == [0, 0], (tmp_path / "worker-0.log").read_text()[-2000:]
    assert [step for step, _ in losses(run)] == [15, 30, 45, 60]
    assert losses(run)[: len(before)] == before


@pytest.mark.parametrize("text", ["", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'])
def test_a_place_in_the_team_that_makes_no_sense_is_one_sentence(text: str) -> None:
    with pytest.raises(RunError, match=r"needs TF_CONFIG\. Received: "):
        connect_workers("multiworker", {"TF_CONFIG": text})


def test_only_the_chief_writes(tmp_path: Path) -> None:
    run = ReadOnlyRun(tmp_path / "run")
    run.check_new()
    run.create({})
    run.claim()
    run.start_over()
    run.append({"kind": "step"})
    run.set_status("failed")
    assert list(tmp_path.iterdir()) == []
