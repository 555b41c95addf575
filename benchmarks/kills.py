"""Trainings that are killed at random moments and resumed: is the result the one of a training that nothing disturbed?

    python -m benchmarks.kills [--times 100] [--seed 0] [--out benchmarks/results/kills.json]

A tiny training is killed (SIGKILL) again and again until it is finished, then the next one, until `--times` kills are
reached. Most fall at a random moment between the start of the process and its end; every HALF_LINE-th falls where only
half of a line of metrics is written. Exit code 1 where a run could not be resumed or differs in one bit. Linux and macOS.
"""

import argparse
import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from benchmarks.images import noisy_samples
from benchmarks.surroundings import arguments_of, finish, machine
from covid_model.training.checkpoint import BEST, LAST, read_state
from covid_model.training.config import TrainConfig
from covid_model.training.run_folder import RunFolder

CONFIG: Final = TrainConfig(
    "steveroger", epochs=2, head_epochs=1, batch=4, steps=3, init="random", log_every=1, augmentation="light"
)
IMAGES: Final = 24
HALF_LINE: Final = 4
"""Of so many kills, one falls in the middle of a line of metrics."""
HEAVY: Final = ["tensorflow", "keras", "covid_model.training.classifier"]
"""Imported once, in the process that all trainings are forked from."""


@dataclass
class Tally:
    """What happened. in_lines: kills in the middle of a line. finished: runs. wrong: what is not as it should be, by run."""

    kills: int = 0
    in_lines: int = 0
    finished: int = 0
    wrong: list[str] = field(default_factory=list)


def train(run: Path, images: list[Path], half_line: int) -> None:
    """In a process of its own: start the run, or resume it. half_line: die in the middle of this line, 0 for none."""
    import pandas as pd

    from covid_model.lungs.segment import LungSegmenter
    from covid_model.training.classifier import resume, start

    rows = [
        (str(path), "drawn", f"p{number}", ("COVID-19", "Normal", "Pneumonia")[number % 3], _split(number), f"{number:064x}")
        for number, path in enumerate(images)
    ]
    table = pd.DataFrame(rows, columns=["path", "source", "patient", "label", "split", "digest"])
    if half_line:
        _die_within_line(half_line)
    folder, segmenter = RunFolder(run), LungSegmenter.load()
    begun = (run / "config.json").is_file()
    trainer = resume(folder, table, segmenter) if begun else start(folder, CONFIG, table, segmenter)
    if trainer.train() != "finished":
        raise SystemExit(1)


def _split(number: int) -> str:
    return "train" if number < IMAGES // 2 else "val" if number < IMAGES * 3 // 4 else "test"


def _die_within_line(number: int) -> None:
    """Let this process write half of its `number`-th line of metrics and then kill it."""
    whole, count = RunFolder.append, iter(range(1, number + 1))

    def append(self: RunFolder, line: dict[str, Any]) -> None:
        metrics = self.path / "metrics.jsonl"
        before = metrics.stat().st_size if metrics.exists() else 0
        whole(self, line)
        if next(count) == number:
            os.truncate(metrics, (before + metrics.stat().st_size) // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    RunFolder.append = append  # type: ignore[method-assign]


def lived(run: Path, images: list[Path], seconds: float | None, half_line: int = 0) -> int:
    """Train in a new process, killed after so many seconds (None: never). Returns its exit code, negative where killed."""
    context = get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    process = context.Process(target=train, args=(run, images, half_line))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def losses(run: Path) -> list[tuple[int, float]]:
    """Step and loss of every step. Raises ValueError for a broken line."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text("utf-8").splitlines())
    return [(line["step"], line["loss"]) for line in lines if line["kind"] == "step"]


def differences(run: Path, whole: Path) -> Iterator[str]:
    """Everything in which a run differs from the undisturbed one."""
    try:
        if losses(run) != losses(whole):
            yield "other steps or losses"
    except ValueError:
        yield "a broken line of metrics"
    for name in (LAST, BEST):
        ours, theirs = (read_state(RunFolder(path).checkpoints / name)[0] for path in (run, whole))
        same = ours.keys() == theirs.keys() and all(
            np.array_equal(one, other) for key in theirs for one, other in zip(ours[key], theirs[key], strict=True)
        )
        if not same:
            yield f"other arrays in {name}"


def killed(times: int, seed: int, folder: Path) -> tuple[Tally, float]:
    """Kill and resume until `times` kills are reached and the last run is finished; and the seconds of a whole training."""
    chance, tally = random.Random(seed), Tally()
    images, whole = noisy_samples(folder / "images", IMAGES), folder / "whole"
    lived(folder / "warm", images, None)  # so that the fork server is there
    start = time.perf_counter()
    if lived(whole, images, None) != 0:
        raise SystemExit("error: a training that nothing disturbs does not finish")
    seconds, lines = time.perf_counter() - start, len(losses(whole))
    run, number = folder / "run-0", 0
    while tally.kills < times or run.exists():
        last = tally.kills >= times
        in_line = not last and tally.kills % HALF_LINE == HALF_LINE - 1
        after = None if last or in_line else chance.uniform(0, seconds)
        code = lived(run, images, after, chance.randint(1, lines) if in_line else 0)
        if code == -signal.SIGKILL:
            tally.kills += 1
            tally.in_lines += in_line
            continue
        if code != 0:
            tally.wrong.append(f"{run.name}: the trainer ended with code {code} after {tally.kills} kills")
        else:
            tally.finished += 1
            tally.wrong += [f"{run.name}: {what}" for what in differences(run, whole)]
        number += 1
        run = folder / f"run-{number}"
    return tally, seconds


def main() -> int:
    """Kill, print, write."""
    parser = argparse.ArgumentParser(description="trainings killed at random moments and resumed")
    parser.add_argument("--times", type=int, default=100, help="kills, default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = arguments_of(parser, "kills")
    begun = time.perf_counter()
    with TemporaryDirectory() as name:
        tally, seconds = killed(arguments.times, arguments.seed, Path(name))
    finish(
        {
            **machine(),
            "kills": tally.kills,
            "in the middle of a line of metrics": tally.in_lines,
            "finished, bit for bit as undisturbed": tally.finished - len({text.split(":")[0] for text in tally.wrong}),
            "finished": tally.finished,
            "wrong": tally.wrong,
            "a training takes, seconds": round(seconds, 1),
            "seconds": round(time.perf_counter() - begun),
        },
        arguments.out,
    )
    return int(bool(tally.wrong))


if __name__ == "__main__":
    raise SystemExit(main())
